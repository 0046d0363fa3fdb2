import { BROADCAST, type Change, type Fault, MOVES, type Request, type Stored } from './history.ts'

/** Each person must have exactly one message about each of their changes and each broadcast, and no others. */
export function findToldFaults(requests: readonly Request[], stored: Stored): readonly Fault[] {
  const due = new Map<string, number>()
  const owe = (person: number, type: string, about: number) => {
    const key = `${person} ${type} ${about}`
    due.set(key, (due.get(key) ?? 0) + 1)
  }
  const participants = Map.groupBy(stored.participants, ({ booking }) => booking)
  const people = ({ thing, id, owner }: Change) =>
    thing === 'booking' ? (participants.get(id) ?? []).map(({ person }) => person) : [owner]
  const types = new Set(MOVES.flatMap(({ told }) => told ?? []))
  for (const change of stored.changes) {
    const move = MOVES.find(({ thing, from, to }) => thing === change.thing && from === change.from && to === change.to)
    if (move?.told === undefined) continue
    for (const person of people(change)) owe(person, move.told, change.id)
  }
  for (const { action, outcome, target } of requests) {
    if (action !== 'broadcast' || outcome !== 'done') continue
    for (const person of stored.everybody) owe(person, BROADCAST, target)
  }
  // A broadcast of unknown outcome must reach everybody or nobody.
  for (const { action, outcome, target } of requests) {
    if (action !== 'broadcast' || outcome !== 'unknown') continue
    const reached = stored.messages.some(({ type, about }) => type === BROADCAST && about === target)
    if (reached) for (const person of stored.everybody) owe(person, BROADCAST, target)
  }

  const faults: Fault[] = []
  for (const { person, type, about, count } of stored.messages) {
    if (!types.has(type) && type !== BROADCAST) continue
    const key = `${person} ${type} ${about}`
    const expected = due.get(key) ?? 0
    due.delete(key)
    const text = `${person} has ${count} messages ${type} about ${about}, ${expected} are due`
    if (expected === 0) faults.push({ kind: 'told of nothing', text })
    else if (count > expected) faults.push({ kind: 'told twice', text })
    else if (count < expected) faults.push({ kind: 'untold', text })
  }
  for (const [key, expected] of due)
    faults.push({ kind: 'untold', text: `no message (person, type, about): ${key}; ${expected} due` })
  return faults
}

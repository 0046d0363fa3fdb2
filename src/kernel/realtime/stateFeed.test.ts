import { expect, it } from 'vitest'
import { createStateFeed } from './stateFeed.ts'

/** States in memory, the database that announces their changes, and a record of the reads. */
function openStates() {
  const states = new Map([
    ['a', 1],
    ['b', 1],
  ])
  const reads: string[] = []
  const faults: Error[] = []
  const said: unknown[] = []
  let hear = (_payload: string) => {}
  let comeBack = () => {}
  const database = {
    async listen(_channel: string, handler: (payload: string) => void) {
      hear = handler
      return async () => {}
    },
    listenState: {
      listening: true,
      onLost: () => () => {},
      onListening(then: () => void) {
        comeBack = then
        return () => {}
      },
    },
  }
  const source = {
    name: 'states',
    channel: 'states',
    topics: (payload: string) => payload.split(','),
    async read(topic: string) {
      reads.push(topic)
      const fault = faults.shift()
      if (fault) throw fault
      return states.get(topic) ?? 0
    },
  }
  const feed = createStateFeed<number>(source, database, { error: (line: unknown) => said.push(line) })
  const follow = (topic: string) => {
    const seen: number[] = []
    const stop = feed.follow(topic, (state) => seen.push(state))
    return { seen, stop }
  }
  const change = (topic: string, state: number, announced = true) => {
    states.set(topic, state)
    if (announced) hear(topic)
  }
  return { feed, follow, change, reads, faults, said, comeBack: () => comeBack() }
}

it('shows the present state at once and after each announced change, to the followers of the topic', async () => {
  const { feed, follow, change, reads } = openStates()
  await feed.start()
  const [one, other] = [follow('a'), follow('b')]
  await expect.poll(() => one.seen).toEqual([1])
  change('a', 2)
  await expect.poll(() => one.seen).toEqual([1, 2])
  expect(other.seen).toEqual([1])
  one.stop()
  change('a', 3)
  change('b', 3)
  await expect.poll(() => other.seen).toEqual([1, 3])
  expect(reads).toEqual(['a', 'b', 'a', 'b'])
  await feed.stop()
})

it('reads a state once more when it changes during a read', async () => {
  const { feed, follow, change, reads } = openStates()
  await feed.start()
  const { seen } = follow('a')
  for (let n = 2; n <= 9; n += 1) change('a', n)
  await expect.poll(() => seen.at(-1)).toBe(9)
  expect(reads).toHaveLength(2)
  await feed.stop()
})

it('reads all states after a lost connection, and again after a failed read', async () => {
  const { feed, follow, change, faults, said, comeBack } = openStates()
  await feed.start()
  const { seen } = follow('a')
  await expect.poll(() => seen).toEqual([1])
  change('a', 2, false)
  faults.push(new Error('broken'))
  comeBack()
  await expect.poll(() => seen, { timeout: 5000 }).toEqual([1, 2])
  expect(said).toHaveLength(1)
  await feed.stop()
})

/** The states of a bookable thing and the allowed moves between them, as one table. */
export interface Lifecycle<S extends string> {
  /** Whether a thing in state `from` may move to `to`. */
  mayMove(from: S, to: S): boolean
  /** The states from which `to` can be reached, for the WHERE of a guarded UPDATE. */
  sourcesOf(to: S): readonly S[]
  /** The final states, which have no moves. */
  readonly final: readonly S[]
}

/** Makes a lifecycle from a table `{state: [states it may move to]}`. */
export function defineLifecycle<S extends string>(moves: Readonly<Record<S, readonly S[]>>): Lifecycle<S> {
  const states: S[] = []
  for (const state in moves) states.push(state)
  return {
    mayMove: (from, to) => moves[from].includes(to),
    sourcesOf: (to) => states.filter((from) => moves[from].includes(to)),
    final: states.filter((state) => moves[state].length === 0),
  }
}

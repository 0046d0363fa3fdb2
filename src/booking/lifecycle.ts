/** The states of a thing that is booked, and the moves between them: one table, asked by every path. */
export interface Lifecycle<S extends string> {
  /** May a thing in state `from` move to `to`? */
  mayMove(from: S, to: S): boolean
  /** The states from which `to` can be reached: what a guarded UPDATE names in its WHERE. */
  sourcesOf(to: S): readonly S[]
  /** States that nothing leaves. */
  readonly final: readonly S[]
}

/** Makes a lifecycle of a table `{state: [the states it may move to]}`. */
export function defineLifecycle<S extends string>(moves: Readonly<Record<S, readonly S[]>>): Lifecycle<S> {
  const states: S[] = []
  for (const state in moves) states.push(state)
  return {
    mayMove: (from, to) => moves[from].includes(to),
    sourcesOf: (to) => states.filter((from) => moves[from].includes(to)),
    final: states.filter((state) => moves[state].length === 0),
  }
}

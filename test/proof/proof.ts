/** How a proof is run. */
export interface ProofOptions {
  /** How long it goes on, in minutes; undefined for as long as the proof says itself. */
  readonly minutes: number | undefined
  /** A database on a server that the proof may fill, migrated or not; it is dropped afterwards. Made when it is first asked for. */
  database(): Promise<string>
  /** Prints a line with the time since the start. */
  say(line: string): void
  /** Aborted when the person asks it to end: what was started is to be ended then. */
  readonly signal: AbortSignal
}

/** What came out. */
export interface ProofResult {
  /** By the name a reader understands, with the unit in it. */
  readonly figures: Readonly<Record<string, number | string>>
  /** A sentence for each promise that did not hold. */
  readonly broken: readonly string[]
}

/** Something that is promised, as a run that anybody can repeat. */
export interface Proof {
  readonly name: string
  /** A sentence: what is shown. */
  readonly what: string
  /** How long it takes, for people. */
  readonly takes: string
  /** @throws Error when it could not be run at all. */
  run(options: ProofOptions): Promise<ProofResult>
}

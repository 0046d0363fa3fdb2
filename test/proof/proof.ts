/** The options of a run of a proof. */
export interface ProofOptions {
  /** Duration in minutes; undefined for the default of the proof. */
  readonly minutes: number | undefined
  /** Makes an empty database on a server at the first call and returns its URL; it is dropped after the proof. */
  database(): Promise<string>
  /** Prints a line with the time since the start. */
  say(line: string): void
  /** Aborted when the user asks the proof to end; then it must end the processes that it started. */
  readonly signal: AbortSignal
}

/** The result of a proof. */
export interface ProofResult {
  /** Figures by a readable name that includes the unit. */
  readonly figures: Readonly<Record<string, number | string>>
  /** A sentence for each promise that did not hold. */
  readonly broken: readonly string[]
}

/** A promise, as a run that can be repeated. */
export interface Proof {
  readonly name: string
  /** A sentence that describes the proof. */
  readonly what: string
  /** The duration, for people. */
  readonly takes: string
  /** @throws Error when it could not be run at all. */
  run(options: ProofOptions): Promise<ProofResult>
}

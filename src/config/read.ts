import type { AnySettings, HoldsSettings, Variable } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment is invalid. The message has one line per problem and contains no secrets. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/**
 * Reads the variables of all parts once. An empty variable counts as not set.
 * @throws ConfigurationError with every problem at once: variable, given value, allowed values.
 */
export function readSettings(parts: readonly AnySettings[], env: Environment): HoldsSettings {
  const problems: string[] = []
  const ofParts = new Map(parts.map((part) => [part, valuesOf(part, env, problems)] as const))
  const given = (name: string) => (env[name]?.trim() ?? '') !== ''
  for (const [part, values] of ofParts) problems.push(...part.contradictionsOf(values, given))
  if (problems.length > 0) throw new ConfigurationError(problems)
  return { ofParts }
}

function valuesOf({ variables }: AnySettings, env: Environment, problems: string[]): Readonly<Record<string, unknown>> {
  const entries = Object.entries(variables).map(([property, variable]) => {
    const text = env[variable.name]?.trim() ?? ''
    const value = text === '' ? variable.initial : variable.parse(text)
    if (value === undefined && text !== '') problems.push(describe(variable, text))
    return [property, value] as const
  })
  return Object.fromEntries(entries)
}

function describe(variable: Variable<unknown>, text: string): string {
  return `${variable.name}: given ${display(variable, text)}; allowed: ${variable.kind.allowed}`
}

function display({ isSecret, kind }: Variable<unknown>, text: string): string {
  if (isSecret) return `${text.length} characters (not shown)`
  // In an address, a password is before the last @ or in the query; a text that cannot be parsed may contain one
  // anywhere.
  const safe = kind.isAddress ? text.replace(/[?#].*$/s, '').replace(/^([a-z+]+:\/\/)?.*@/is, '$1***@') : text
  return JSON.stringify(safe.length > 100 ? `${safe.slice(0, 100)}…` : safe)
}

/**
 * Warnings about names that nearly match one of our variables and therefore have no effect. Short names are skipped,
 * because too many others are similar.
 */
export function misspelt(known: readonly string[], names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (name.length < 6 || known.includes(name)) return []
    const near = known.find((other) => other.length >= 6 && isNear(name.toUpperCase(), other))
    return near ? [`${name} is set, but the program reads ${near}`] : []
  })
}

/** Whether two names differ by one letter: too many, too few, wrong, or swapped with its neighbour. */
function isNear(a: string, b: string): boolean {
  if (a === b) return true
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  const swapped =
    restA.length > 1 && restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2)
  return swapped || restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1)
}

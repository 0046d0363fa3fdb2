import type { Kind } from './kinds.ts'

/** An environment variable. The program reads it, and docs/configuration.md is generated, from this declaration. */
export interface Variable<T> {
  readonly name: string
  /** The section of docs/configuration.md. */
  readonly group: string
  readonly kind: Kind<unknown>
  readonly parse: (text: string) => T | undefined
  readonly initial: T
  /** The default as text for people. */
  readonly shown: string
  readonly about: string
  /** Values must never be shown, not even invalid ones. */
  readonly isSecret: boolean
}

/** Variables by their property names: `rateLimitLogin` is RATE_LIMIT_LOGIN. */
export type Variables = Readonly<Record<string, Variable<unknown>>>
type Value<V> = V extends Variable<infer T> ? T : never
export type Values<V extends Variables> = { readonly [K in keyof V]: Value<V[K]> }

/** A variable with a default. */
export function setting<T extends string | number | boolean | readonly unknown[]>(
  group: string,
  name: string,
  kind: Kind<T>,
  initial: T,
  about: string,
): Variable<T> {
  const shown = typeof initial === 'boolean' ? (initial ? 'on' : 'off') : String(initial)
  return { name, group, kind, parse: kind.parse, initial, shown, about, isSecret: false }
}

/** A variable without a default; `shown` describes what happens if it is not set. */
export function optional<T>(
  group: string,
  name: string,
  kind: Kind<T>,
  shown: string,
  about: string,
  secrecy?: 'secret',
): Variable<T | undefined> {
  return { name, group, kind, parse: kind.parse, initial: undefined, shown, about, isSecret: secrecy === 'secret' }
}

/** Whether the environment gives a variable a value. */
export type Given = (name: string) => boolean

/** The values of all parts of a configuration, by their settings. */
export interface HoldsSettings {
  readonly ofParts: ReadonlyMap<AnySettings, unknown>
}

/** Settings of any part, independent of its variables. */
export interface AnySettings {
  readonly variables: Variables
  /**
   * Faults of several variables together. An invalid variable is undefined here; it already has an error line of its
   * own.
   */
  contradictionsOf(values: unknown, given: Given): readonly string[]
}

/** The variables of one part, and access to their values. */
export interface Settings<V extends Variables> extends AnySettings {
  readonly variables: V
  /** The part's values in a configuration. @throws Error if the part was not read into it */
  of(config: HoldsSettings): Values<V>
}

/** Rules about several variables of a part. */
export interface Rules<V extends Variables> {
  /** Each variable that is set needs these others. */
  readonly needed?: readonly (readonly [name: string, others: readonly string[]])[]
  /** Further faults, one line each. */
  contradictions?(values: Values<V>, given: Given): readonly string[]
}

/** Declares the variables of one part and the rules about them. */
export function defineSettings<const V extends Variables>(variables: V, rules: Rules<V> = {}): Settings<V> {
  // The cast is safe: `readSettings` has read every one of these variables with its own parser.
  const typed = (values: unknown) => values as Values<V>
  const settings: Settings<V> = {
    variables,
    of(config) {
      const values = config.ofParts.get(settings)
      if (values === undefined)
        throw new Error(`${Object.keys(variables).join(', ')}: not read into this configuration`)
      return typed(values)
    },
    contradictionsOf: (values, given) => [
      ...(rules.contradictions?.(typed(values), given) ?? []),
      ...missing(rules.needed ?? [], given),
    ],
  }
  return settings
}

function missing(needed: readonly (readonly [string, readonly string[]])[], given: Given): string[] {
  return needed.flatMap(([name, others]) =>
    others
      .filter((other) => given(name) && !given(other))
      .map((other) => `${other}: not set; needed because ${name} is set`),
  )
}

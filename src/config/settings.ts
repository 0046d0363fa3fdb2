import type { Kind } from './kinds.ts'

/** One environment variable: the program reads it by this, and docs/configuration.md is written from it. */
export interface Variable<T> {
  readonly name: string
  /** The section of docs/configuration.md. */
  readonly group: string
  readonly kind: Kind<unknown>
  readonly parse: (text: string) => T | undefined
  readonly initial: T
  /** The default as people read it. */
  readonly shown: string
  readonly about: string
  /** No value may be shown, not even a wrong one. */
  readonly isSecret: boolean
}

/** Variables under the names that the program reads them by: `rateLimitLogin` is RATE_LIMIT_LOGIN. */
export type Variables = Readonly<Record<string, Variable<unknown>>>
type Value<V> = V extends Variable<infer T> ? T : never
export type Values<V extends Variables> = { readonly [K in keyof V]: Value<V[K]> }

/** A variable with a value when it is not set. */
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

/** A variable that may stay unset; `shown` says what happens then. */
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

/** What a configuration holds for the parts: the values of each, found by its settings. */
export interface HoldsSettings {
  readonly ofParts: ReadonlyMap<AnySettings, unknown>
}

/** Settings of some part, as the mechanism reads them. */
export interface AnySettings {
  readonly variables: Variables
  /** Faults that two variables make together. A variable that is given but wrong is undefined here; it has its own line already. */
  contradictionsOf(values: unknown, given: Given): readonly string[]
}

/** The variables of one part and the way to their values. */
export interface Settings<V extends Variables> extends AnySettings {
  readonly variables: V
  /** Their values in a configuration. @throws Error where the part was not read into it */
  of(config: HoldsSettings): Values<V>
}

/** Rules about several variables of a part. */
export interface Rules<V extends Variables> {
  /** Each variable that is set needs these others. */
  readonly needed?: readonly (readonly [name: string, others: readonly string[]])[]
  /** Further faults, one line each. */
  contradictions?(values: Values<V>, given: Given): readonly string[]
}

/** Declares the variables of one part, and what they say together. */
export function defineSettings<const V extends Variables>(variables: V, rules: Rules<V> = {}): Settings<V> {
  // The boundary between names and types: `readSettings` has read every one of these variables by its own parser.
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

import { isIP } from 'node:net'

/** A kind of value: its parser, and a description for people. */
export interface Kind<T> {
  /** Completes the sentence "allowed: …". */
  readonly allowed: string
  /** The value, or undefined when the text is not allowed. `text` is trimmed and never empty. */
  readonly parse: (text: string) => T | undefined
  /** The text is an address, which may contain a password or a key: error messages show it without them. */
  readonly isAddress?: true
}

/** One of a few words, exactly as written. */
export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return { allowed: words.join(', '), parse: (text) => words.find((word) => word === text) }
}

/** `on` or `off` (also true/false, 1/0, yes/no). */
export const onOff: Kind<boolean> = {
  allowed: 'on, off',
  parse: (text) => {
    const word = text.toLowerCase()
    if (['on', 'true', '1', 'yes'].includes(word)) return true
    if (['off', 'false', '0', 'no'].includes(word)) return false
    return undefined
  },
}

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      if (!/^\d{1,15}$/.test(text)) return undefined
      const value = Number(text)
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** Text on one line, with a limited number of characters. */
export function line(allowed: string, min = 1, max = 1000): Kind<string> {
  return {
    allowed,
    parse: (text) => (text.length >= min && text.length <= max && !/\p{Cc}/u.test(text) ? text : undefined),
  }
}

/**
 * An absolute address with one of the given protocols. The host name may be absent (`postgres:///name?host=/socket`).
 */
export function address(allowed: string, ...protocols: readonly string[]): Kind<string> {
  return {
    isAddress: true,
    allowed,
    parse: (text) => {
      const url = URL.parse(text)
      return url && protocols.includes(url.protocol) ? text : undefined
    },
  }
}

/** A web address that links start with: no query, a path only as prefix; the value has no trailing slash. */
export const webAddress: Kind<string> = {
  isAddress: true,
  allowed: 'an http:// or https:// address without query, such as https://booking.example.com',
  parse: (text) => {
    const url = URL.parse(text)
    if (!url || !['http:', 'https:'].includes(url.protocol)) return undefined
    if (url.search || url.hash || url.username || url.password) return undefined
    return url.href.replace(/\/+$/, '')
  },
}

/** Words from a list, separated by commas. */
export function someOf<const T extends string>(words: readonly T[]): Kind<readonly T[]> {
  return {
    allowed: `a comma-separated list of: ${words.join(', ')}`,
    parse: (text) => {
      const parts = commaSeparated(text)
      const known = words.filter((word) => parts.includes(word))
      return parts.length > 0 && parts.every((part) => words.some((word) => word === part)) ? known : undefined
    },
  }
}

/** Origins as browsers send them (`https://example.com`), or `*` for all. */
export const origins: Kind<readonly string[]> = {
  isAddress: true,
  allowed: '* or a comma-separated list of origins such as https://example.com (no path)',
  parse: (text) => {
    const parts = commaSeparated(text)
    if (parts.length === 1 && parts[0] === '*') return parts
    const good = parts.every((part) => /^https?:/.test(part) && URL.parse(part)?.origin === part)
    return parts.length > 0 && good ? parts : undefined
  },
}

/** Proxies whose X-Forwarded-For is trusted, in the form of Fastify's `trustProxy`. */
export const proxies: Kind<boolean | number | readonly string[]> = {
  allowed:
    'off, on (any proxy), a number of hops, or a comma-separated list of addresses and networks (10.0.0.0/8, loopback)',
  parse: (text) => {
    if (text === 'off' || text === 'false') return false
    if (text === 'on' || text === 'true') return true
    if (/^\d{1,2}$/.test(text)) return Number(text)
    const parts = commaSeparated(text)
    return parts.length > 0 && parts.every(isNetwork) ? parts : undefined
  },
}

function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [ip = '', prefix] = text.split('/')
  const version = isIP(ip)
  if (version === 0 || text.split('/').length > 2) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}

/**
 * An IANA time zone. Bare offsets and abbreviations are refused, because PostgreSQL reads their sign the other way
 * round.
 */
export const timeZone: Kind<string> = {
  allowed: 'a zone of the IANA database such as Asia/Shanghai, or UTC',
  parse: (text) => {
    if (text !== 'UTC' && !/^[A-Za-z_]+\/[A-Za-z0-9_+/-]+$/.test(text)) return undefined
    try {
      new Intl.DateTimeFormat('en', { timeZone: text })
      return text
    } catch {
      return undefined
    }
  },
}

/** `name@example.com` or `Name <name@example.com>`. */
export const mailbox: Kind<string> = {
  allowed: 'an address such as "Yuyue <no-reply@example.com>"',
  parse: (text) => (/^(?:[^<>\p{Cc}]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/u.test(text) ? text : undefined),
}

/** A key for sensitive fields. Its id is part of every stored value; its 32 bytes never are. */
export interface FieldKey {
  readonly id: string
  readonly key: Buffer
}

/** The keys for sensitive fields: the first encrypts, all decrypt, the last makes the blind indexes. */
export type FieldKeys = readonly [FieldKey, ...FieldKey[]]

/** `id:base64 of 32 bytes`, separated by commas. */
export const fieldKeys: Kind<FieldKeys> = {
  allowed:
    'id:key pairs separated by commas, the current one first; ' +
    'an id is 1 to 16 letters or digits, used once; a key is 32 bytes in base64',
  parse: (text) => {
    const keys: FieldKey[] = []
    for (const part of commaSeparated(text)) {
      const match = /^([A-Za-z0-9]{1,16}):([A-Za-z0-9+/_-]{43}=?)$/.exec(part)
      if (!match?.[1] || !match[2] || keys.some((key) => key.id === match[1])) return undefined
      keys.push({ id: match[1], key: Buffer.from(match[2], 'base64') })
    }
    const [current, ...older] = keys
    return current ? [current, ...older] : undefined
  },
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Prefixes of one path step, separated by commas; `none` for none. */
export const pathPrefixes: Kind<readonly string[]> = {
  allowed: 'a comma-separated list of paths of one step, such as /prod-api, or none',
  parse: (text) => {
    if (text === 'none') return []
    const paths = [...new Set(commaSeparated(text))]
    return paths.length > 0 && paths.every((path) => /^\/[A-Za-z0-9_-]{1,50}$/.test(path)) ? paths : undefined
  },
}

/** A time of day, HH:MM. */
export const clockTime: Kind<string> = {
  allowed: 'a time of day such as 18:00',
  parse: (text) => (/^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? text : undefined),
}

/** An OpenID Connect provider at which people can log in. */
export interface OidcProvider {
  /** Name in paths and in the database: `keycloak`. */
  readonly name: string
  /** Name shown to people. */
  readonly title: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scope: string
  /** How the client proves itself at the token endpoint; undefined: as the provider announces it. */
  readonly tokenAuth: 'client_secret_basic' | 'client_secret_post' | undefined
}

/** A JSON list of `{name, issuer, client_id, client_secret?, title?, scope?, token_auth?}`. */
export const oidcProviders: Kind<readonly OidcProvider[]> = {
  allowed:
    'a JSON list of {"name","issuer","client_id","client_secret"?,"title"?,"scope"?,"token_auth"?}; ' +
    'token_auth is client_secret_basic or client_secret_post, by default what the provider announces; ' +
    'a name is 2 to 20 small letters, digits or -, used once, and neither wechat nor wecom',
  parse: (text) => {
    const list = jsonList(text)
    const providers = list?.map(oidcProvider)
    if (!providers) return undefined
    const good = providers.filter((one) => one !== undefined)
    const names = new Set(['wechat', 'wecom', ...good.map(({ name }) => name)])
    return good.length === providers.length && names.size === good.length + 2 ? good : undefined
  },
}

function jsonList(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

const oidcFields = ['name', 'issuer', 'client_id', 'client_secret', 'title', 'scope', 'token_auth']

function oidcProvider(value: unknown): OidcProvider | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const given = Object.entries(value)
  if (given.some(([field, text]) => !oidcFields.includes(field) || typeof text !== 'string' || text === ''))
    return undefined
  const fields = new Map(given.map(([field, text]) => [field, String(text)]))
  const [name, issuer, clientId] = [fields.get('name'), fields.get('issuer'), fields.get('client_id')]
  if (!name || !/^[a-z][a-z0-9-]{1,19}$/.test(name) || !issuer || !/^https?:/.test(issuer) || !URL.canParse(issuer))
    return undefined
  if (!clientId) return undefined
  const scope = fields.get('scope') ?? 'openid profile email'
  if (!scope.split(' ').includes('openid')) return undefined
  const tokenAuth = fields.get('token_auth')
  if (tokenAuth !== undefined && tokenAuth !== 'client_secret_basic' && tokenAuth !== 'client_secret_post')
    return undefined
  return {
    name,
    issuer,
    clientId,
    clientSecret: fields.get('client_secret'),
    title: fields.get('title') ?? name,
    scope,
    tokenAuth,
  }
}

/** A web address with the placeholder `{provider}` for the name of a provider in its path. */
export const redirectAddress: Kind<string> = {
  isAddress: true,
  allowed:
    'an http:// or https:// address with {provider} in its path, such as https://app.example.com/sign-in/{provider}',
  parse: (text) => {
    const url = URL.parse(text.replace('{provider}', 'provider'))
    const good = url && ['http:', 'https:'].includes(url.protocol) && !url.hash && !url.username && !url.password
    return good && URL.parse(text)?.pathname.includes('%7Bprovider%7D') ? text : undefined
  },
}

import { hash, parseOptions, verify } from '@node-rs/argon2'
import { Invalid } from '../../errors.ts'
import type { Config } from '../../settings.ts'
import { strengthOf } from './strength.ts'

/** Cost of one argon2id hash: memory in KiB, passes, and threads. */
export interface HashCost {
  readonly memoryCost: number
  readonly timeCost: number
  readonly parallelism: number
}

/** OWASP's Password Storage Cheat Sheet (2024): 19 MiB, 2 passes. */
const strongCost: HashCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** For tests, which hash hundreds of passwords. */
const cheapCost: HashCost = { memoryCost: 64, timeCost: 1, parallelism: 1 }

/** The cost of hashes in this process. */
export function hashCost(config: Pick<Config, 'nodeEnv'>): HashCost {
  return config.nodeEnv === 'test' ? cheapCost : strongCost
}

/** Length of a new password, in characters. */
export const PASSWORD_LENGTH = { min: 8, max: 128 } as const

/** NFKC (NIST SP 800-63B): the same password typed on another keyboard may arrive in another normal form. */
const normalized = (password: string): string => password.normalize('NFKC')

/** Hashes with argon2id and a fresh salt, off the event loop. */
export async function hashPassword(password: string, cost: HashCost): Promise<string> {
  return await hash(normalized(password), cost)
}

const dummies = new Map<number, Promise<string>>()

/** Whether the password belongs to the hash. Without a hash (unknown name) it answers false after the same time. */
export async function verifyPassword(
  stored: string | null | undefined,
  password: string,
  cost: HashCost,
): Promise<boolean> {
  if (stored) return await verify(stored, normalized(password))
  let dummy = dummies.get(cost.memoryCost)
  if (!dummy) {
    dummy = hash('nobody has this password', cost)
    dummies.set(cost.memoryCost, dummy)
  }
  await verify(await dummy, normalized(password))
  return false
}

/** Makes the hash that stands in for unknown people, so that even the first unknown name takes no longer. */
export async function prepareDummy(cost: HashCost): Promise<void> {
  await verifyPassword(undefined, '', cost)
}

/** Whether a hash was made at another cost than the current one and must be renewed when its owner logs in. */
export function isOutdated(stored: string, cost: HashCost): boolean {
  const made = parseOptions(stored)
  return made.memoryCost !== cost.memoryCost || made.timeCost !== cost.timeCost || made.parallelism !== cost.parallelism
}

/** The person's own data, which must not be the password. */
export interface OwnWords {
  readonly username: string
  readonly email?: string | null | undefined
  readonly phone?: string | null | undefined
  readonly displayName?: string | null | undefined
}

/**
 * Refuses a new password that is too short or too long, equals the person's name or e-mail address, or scores below 2
 * of 4 by zxcvbn.
 * @throws Invalid `weak_password`, with hints as `suggestions`; Unavailable `busy`.
 */
export async function checkStrength(password: string, words: OwnWords, field = '/password'): Promise<void> {
  const weak = (message: string, suggestions: readonly string[]) => weakPassword(message, suggestions, field)
  const length = [...password].length
  if (length < PASSWORD_LENGTH.min || length > PASSWORD_LENGTH.max) {
    throw weak(`A password has ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters.`, [])
  }
  const own = ownWords(words)
  if (own.includes(password.toLowerCase())) throw weak('The password must not be your name or e-mail address.', [])
  const { score, warning, suggestions } = await strengthOf(password, own)
  if (score >= 2) return
  throw weak(warning ?? 'The password is too easy to guess.', suggestions)
}

function ownWords({ username, email, phone, displayName }: OwnWords): string[] {
  const words = [username, email, email?.replace(/@.*$/s, ''), phone, phone?.replace(/^\+86/, ''), displayName]
  return words.flatMap((word) => (word ? [word.toLowerCase()] : []))
}

/** The refusal of a new password. `field` is its JSON pointer in the body. */
export function weakPassword(message: string, suggestions: readonly string[], field = '/password'): Invalid {
  return new Invalid('weak_password', message, {
    errors: [{ in: 'body', path: field, message }],
    facts: { suggestions },
  })
}

import type { Guest } from './types.ts'

/** A guest's keys, in the form in which they are compared. */
export interface Identity {
  /** By which the guest is remembered. */
  readonly key: string
  readonly idNumberIndex: string | null
  /** E.164 */
  readonly phone: string | null
  /** Lower case. */
  readonly email: string | null
}

/** A member, as far as guests are compared with it. Keys are in the form of `Identity`. */
export interface KnownMember extends Omit<Identity, 'key'> {
  readonly id: number
  readonly first_name: string | null
  readonly last_name: string | null
  readonly gender: string | null
  readonly birthday: string | null
}

/** What was decided about a guest before. */
export interface Remembered {
  /** The member, or the one it was merged into; null: ignored by a person's choice. */
  readonly memberId: number | null
  /** The member was deleted. */
  readonly isGone: boolean
  /** By a person, not by matching. */
  readonly isChosen: boolean
}

export type ReviewReason = 'unmatched' | 'ambiguous' | 'contradiction'

export type Verdict =
  | { readonly kind: 'match'; readonly memberId: number }
  | { readonly kind: 'skip' }
  | { readonly kind: 'review'; readonly reason: ReviewReason; readonly candidates: readonly number[] }

/** Whether a key of the guest is the member's. */
function fits(member: Omit<KnownMember, 'id'>, guest: Omit<Identity, 'key'>): boolean {
  return (
    (guest.idNumberIndex !== null && member.idNumberIndex === guest.idNumberIndex) ||
    (guest.phone !== null && member.phone === guest.phone) ||
    (guest.email !== null && member.email === guest.email)
  )
}

/** Whether both have an id number, and they differ: then they are two people. */
function contradicts(member: KnownMember, guest: Identity): boolean {
  return guest.idNumberIndex !== null && member.idNumberIndex !== null && member.idNumberIndex !== guest.idNumberIndex
}

/**
 * Decides whose member a guest is. A remembered guest comes first; then id number, phone number and e-mail address must
 * lead to one member, whose id number is not another one. Anything else is left to a person.
 * @param members at least those that a key of the guest fits, and the remembered one; none of them deleted
 */
export function judge(guest: Identity, remembered: Remembered | undefined, members: readonly KnownMember[]): Verdict {
  const fitting = members.filter((member) => fits(member, guest))
  if (remembered) {
    if (remembered.memberId === null) return { kind: 'skip' }
    const known = remembered.isGone ? undefined : members.find(({ id }) => id === remembered.memberId)
    if (known) return judgeRemembered(guest, known, fitting, remembered.isChosen)
    // The member asked to be deleted, so the guest is left alone unless they came back.
    if (fitting.length === 0) return { kind: 'skip' }
  }
  const candidates = fitting.map(({ id }) => id)
  const [only, ...others] = fitting
  if (!only) return { kind: 'review', reason: 'unmatched', candidates }
  if (others.length > 0) return { kind: 'review', reason: 'ambiguous', candidates }
  if (contradicts(only, guest)) return { kind: 'review', reason: 'contradiction', candidates }
  return { kind: 'match', memberId: only.id }
}

function judgeRemembered(
  guest: Identity,
  known: KnownMember,
  fitting: readonly KnownMember[],
  isChosen: boolean,
): Verdict {
  const match = { kind: 'match', memberId: known.id } as const
  if (isChosen) return match
  const holder = fitting.find((one) => one.id !== known.id && one.idNumberIndex === guest.idNumberIndex)
  const hasOther = guest.idNumberIndex !== null && holder !== undefined
  if (!hasOther && !contradicts(known, guest)) return match
  const candidates = hasOther ? [known.id, holder.id] : [known.id]
  return { kind: 'review', reason: 'contradiction', candidates }
}

/** The fields of a guest that a member gets. */
export type Fill = { readonly [Field in Exclude<keyof Guest, 'id'>]?: NonNullable<Guest[Field]> }

/** Fields of a guest that are left out because they belong to another member. */
export type LeftOut = 'email' | 'phone' | 'id_number'

/**
 * The fields that are empty at the member and known of the guest. A name is only completed if the other half is not
 * another one. Keys of other members are left out.
 * @param member undefined: a new one
 */
export function fillOf(
  guest: Guest,
  identity: Identity,
  member: KnownMember | undefined,
  others: readonly KnownMember[],
): { readonly fill: Fill; readonly leftOut: readonly LeftOut[] } {
  const fill: Record<string, string> = {}
  const leftOut: LeftOut[] = []
  const put = (field: Exclude<keyof Guest, 'id'>, present: string | null | undefined) => {
    const value = guest[field]
    if (value !== null && (present === null || present === undefined)) fill[field] = value
  }
  const isOther = (present: string | null | undefined, value: string | null) =>
    present !== null && present !== undefined && value !== null && present !== value
  if (!isOther(member?.last_name, guest.last_name) && !isOther(member?.first_name, guest.first_name)) {
    put('first_name', member?.first_name)
    put('last_name', member?.last_name)
  }
  put('gender', member?.gender)
  put('birthday', member?.birthday)
  const keys: readonly (readonly [LeftOut, 'email' | 'phone' | 'idNumberIndex'])[] = [
    ['email', 'email'],
    ['phone', 'phone'],
    ['id_number', 'idNumberIndex'],
  ]
  for (const [field, key] of keys) {
    const value = identity[key]
    const isTaken = value !== null && others.some((one) => one.id !== member?.id && one[key] === value)
    if (!isTaken) put(field, member?.[key])
    else if (member?.[key] !== value) leftOut.push(field)
  }
  return { fill, leftOut }
}

/** What several records say about one guest: of each field, the last one that is not empty. */
export function combined(guests: readonly [Guest, ...Guest[]]): Guest {
  const last = <Field extends keyof Guest>(field: Field): Guest[Field] =>
    guests.findLast((guest) => guest[field] !== null)?.[field] ?? guests[0][field]
  return {
    id: last('id'),
    first_name: last('first_name'),
    last_name: last('last_name'),
    gender: last('gender'),
    birthday: last('birthday'),
    email: last('email'),
    phone: last('phone'),
    id_number: last('id_number'),
  }
}

/** Seconds before the next call after `tries` failed ones; undefined: no further one. */
export function waitAfter(tries: number, asked: number | undefined): number | undefined {
  if (tries >= MOST_TRIES) return undefined
  return Math.min(LONGEST_WAIT, Math.max(asked ?? 0, 10 * 2 ** (tries - 1)))
}

/** Failed calls after which a synchronisation fails. */
export const MOST_TRIES = 5
const LONGEST_WAIT = 300

/**
 * Splits items into those that can be judged together and those that must wait for them, because they share a key with
 * an earlier one.
 */
export function wave<Item>(
  items: readonly Item[],
  keysOf: (item: Item) => readonly (string | null)[],
): { readonly now: readonly Item[]; readonly later: readonly Item[] } {
  const seen = new Set<string>()
  const now: Item[] = []
  const later: Item[] = []
  for (const item of items) {
    const keys = keysOf(item).filter((key) => key !== null)
    const isFree = !keys.some((key) => seen.has(key))
    for (const key of keys) seen.add(key)
    if (isFree) now.push(item)
    else later.push(item)
  }
  return { now, later }
}

import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { PmsPage } from './adapters/port.ts'
import { lockKnown, lockMatching, ownersOfOrders, rememberedGuests, rememberMatches } from './guestStore.ts'
import { contextOf, fill, identify, sealed, settleWaiting, writeOrders } from './guests.ts'
import { type NewReview, settleOrders, writeReviews } from './reviewStore.ts'
import { type RowFault, readRow } from './rows.ts'
import { combined, type Identity, judge, type KnownMember, type Verdict, wave } from './rules.ts'
import type { LogLine, PageCounts } from './syncStore.ts'
import type { Guest, PmsRow, SyncType } from './types.ts'

/** Refused rows of a page that are named in the log; the others are only counted. */
const MOST_NAMED = 100

/** A page of the PMS, read: its rows by guest, and what was refused. */
export interface ReadPage {
  readonly guests: readonly GuestRows[]
  readonly refused: number
  readonly lines: readonly LogLine[]
}

/** The rows of a page with the same keys. */
interface GuestRows {
  readonly identity: Identity
  /** What they say about the guest together. */
  readonly guest: Guest
  readonly rows: readonly [PmsRow, ...PmsRow[]]
}

/** Reads the rows of a page. Rows that can't be used are named by place and field, without their values. */
export function readPage(
  kernel: Pick<Kernel, 'config' | 'clock' | 'secrets'>,
  type: SyncType,
  page: PmsPage,
): ReadPage {
  const context = contextOf(kernel)
  const groups = new Map<string, { identity: Identity; rows: [PmsRow, ...PmsRow[]] }>()
  const refused: string[] = []
  for (const { place, value, fault } of page.rows) {
    const reading = fault === undefined ? readRow(type, value, context) : { faults: [{ field: '', message: fault }] }
    if (reading.faults) {
      refused.push(`${place} was refused: ${reading.faults.map(sentenceOf).join('; ')}.`)
      continue
    }
    const identity = identify(kernel, reading.row.guest)
    const signature = JSON.stringify([identity.key, identity.idNumberIndex, identity.phone, identity.email])
    const group = groups.get(signature)
    if (group) group.rows.push(reading.row)
    else groups.set(signature, { identity, rows: [reading.row] })
  }
  const more = refused.length - MOST_NAMED
  return {
    guests: [...groups.values()].map(({ identity, rows: [first, ...rest] }) => ({
      identity,
      guest: combined([first.guest, ...rest.map(({ guest }) => guest)]),
      rows: [first, ...rest],
    })),
    refused: refused.length,
    lines: [
      ...page.lines,
      ...refused.slice(0, MOST_NAMED).map((text) => ({ level: 'warning', text }) as const),
      ...(more > 0 ? [{ level: 'warning', text: `${more} more rows of this page were refused.` } as const] : []),
    ],
  }
}

const sentenceOf = ({ field, message }: RowFault) => (field === '' ? `it ${message}` : `${field} ${message}`)

/** What became of the guests of a page. */
interface Outcome extends PageCounts {
  readonly waiting: number
  /** Reviews of before that could be settled. */
  readonly settled: number
}

/**
 * Writes a page: matches its guests, fills their members, writes their orders, and keeps what a person must decide.
 * @returns the counts, and the lines for the log
 */
export async function writePage(
  kernel: Kernel,
  tx: Transaction,
  type: SyncType,
  page: ReadPage,
): Promise<{ readonly counts: PageCounts; readonly lines: readonly LogLine[] }> {
  await lockMatching(tx)
  // All members first, in the order of their ids.
  const identities = page.guests.map(({ identity }) => identity)
  await lockKnown(tx, await membersOf(tx, identities), identities)
  const outcomes: Outcome[] = []
  let rest = page.guests
  while (rest.length > 0) {
    const { now, later } = wave(rest, ({ identity: { key, idNumberIndex, phone, email } }) => [
      `key ${key}`,
      idNumberIndex && `id ${idNumberIndex}`,
      phone,
      email,
    ])
    const { outcome, postponed } = await writeWave(kernel, tx, type, now)
    outcomes.push(outcome)
    rest = [...postponed, ...later]
  }
  const sum = (key: keyof Outcome) => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const counts = { synced: sum('synced'), failed: sum('failed') + page.refused, skipped: sum('skipped') }
  const summary =
    `${counts.synced} rows synchronised, ${sum('waiting')} wait for review, ${counts.skipped} skipped, ` +
    `${page.refused} refused.`
  const settled = sum('settled')
  return {
    counts,
    lines: [
      ...page.lines,
      ...(page.guests.length + page.refused > 0 ? [{ level: 'info', text: summary } as const] : []),
      ...(settled > 0 ? [{ level: 'info', text: `${settled} records that waited are settled now.` } as const] : []),
    ],
  }
}

async function membersOf(tx: Transaction, identities: readonly Identity[]): Promise<readonly number[]> {
  const keys = identities.map(({ key }) => key)
  return [...(await rememberedGuests(tx, keys)).values()].flatMap(({ memberId }) => memberId ?? [])
}

/** Writes guests who share no key. Those who meet at one member are judged one after the other: the later ones wait. */
async function writeWave(
  kernel: Kernel,
  tx: Transaction,
  type: SyncType,
  guests: readonly GuestRows[],
): Promise<{ readonly outcome: Outcome; readonly postponed: readonly GuestRows[] }> {
  const identities = guests.map(({ identity }) => identity)
  const remembered = await rememberedGuests(
    tx,
    identities.map(({ key }) => key),
  )
  const ids = [...remembered.values()].flatMap(({ memberId }) => memberId ?? [])
  const known = await lockKnown(tx, ids, identities)
  const judged = guests.map((one) => ({
    ...one,
    remembered: remembered.get(one.identity.key),
    verdict: judge(one.identity, remembered.get(one.identity.key), known),
  }))
  const { now, later } = wave(judged, ({ verdict }) => [verdict.kind === 'match' ? String(verdict.memberId) : null])
  const outcome = await writeJudged(kernel, tx, type, now, known)
  return { outcome, postponed: later }
}

interface JudgedGuest extends GuestRows {
  readonly remembered: { readonly isGone: boolean; readonly isChosen: boolean } | undefined
  readonly verdict: Verdict
}

async function writeJudged(
  kernel: Kernel,
  tx: Transaction,
  type: SyncType,
  judged: readonly JudgedGuest[],
  known: readonly KnownMember[],
): Promise<Outcome> {
  const now = kernel.clock.now()
  const matches = judged.flatMap((one) =>
    one.verdict.kind === 'match' ? [{ ...one, memberId: one.verdict.memberId }] : [],
  )
  await fill(kernel, tx, matches, known)
  const fresh = matches.filter(({ remembered }) => remembered === undefined || remembered.isGone)
  await rememberMatches(
    tx,
    fresh.map(({ identity, memberId }) => ({ key: identity.key, memberId })),
    now,
  )
  const settled = await settleWaiting(
    kernel,
    tx,
    new Map(matches.map(({ identity, memberId }) => [identity.key, memberId])),
    'matched',
  )
  const contested = await writeMatchedOrders(kernel, tx, matches)
  const reviews = [...judged.flatMap((one) => reviewsOf(kernel, type, one)), ...contested]
  await writeReviews(tx, [...new Map(reviews.map((review) => [review.recordKey, review])).values()], now)
  const rows = (kind: Verdict['kind']) =>
    judged.filter(({ verdict }) => verdict.kind === kind).reduce((total, one) => total + one.rows.length, 0)
  const waiting = rows('review') + contested.length
  return { synced: rows('match') - contested.length, failed: waiting, waiting, skipped: rows('skip'), settled }
}

/** Writes the orders of matched guests. Those that another member has already are for a person to decide. */
async function writeMatchedOrders(
  kernel: Kernel,
  tx: Transaction,
  matches: readonly (JudgedGuest & { readonly memberId: number })[],
): Promise<readonly NewReview[]> {
  const rows = matches.flatMap((match) =>
    match.rows.flatMap((row) => (row.order === null ? [] : [{ match, row, order: row.order }])),
  )
  if (rows.length === 0) return []
  const owners = await ownersOfOrders(
    tx,
    rows.map(({ order }) => order.order_number),
  )
  const taken = new Map(owners)
  const contested: NewReview[] = []
  const written: { memberId: number; order: (typeof rows)[number]['order'] }[] = []
  for (const { match, row, order } of rows) {
    const owner = taken.get(order.order_number)
    if (owner === undefined || owner === match.memberId) {
      taken.set(order.order_number, match.memberId)
      written.push({ memberId: match.memberId, order })
      continue
    }
    contested.push({
      type: 'consumption_records',
      recordKey: order.order_number,
      guestKey: match.identity.key,
      reason: 'contradiction',
      record: sealed(kernel, row),
      candidates: [owner, match.memberId],
    })
  }
  await writeOrders(kernel, tx, written)
  await settleOrders(
    tx,
    written.map(({ memberId, order }) => ({ memberId, orderNumber: order.order_number })),
    kernel.clock.now(),
  )
  return contested
}

function reviewsOf(kernel: Kernel, type: SyncType, { identity, guest, rows, verdict }: JudgedGuest): NewReview[] {
  if (verdict.kind !== 'review') return []
  const { reason, candidates } = verdict
  const review = (recordKey: string, row: PmsRow): NewReview => ({
    type,
    recordKey,
    guestKey: identity.key,
    reason,
    record: sealed(kernel, row),
    candidates,
  })
  if (type === 'members') return [review(identity.key, { guest, order: null })]
  return rows.flatMap((row) => (row.order === null ? [] : [review(row.order.order_number, row)]))
}

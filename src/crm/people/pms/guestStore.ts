import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { MemberColumns } from '../../core/members.ts'
import type { Identity, KnownMember, Remembered } from './rules.ts'

/**
 * Lets one transaction at a time match guests or decide about them, over all processes: both read what the other
 * writes. It is the first lock of its transaction.
 */
export async function lockMatching(tx: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('crm.pms'))`.execute(tx)
}

/**
 * Texts as a table with the column `one`. Plans are kept: one that was made while a table was empty compares each of its
 * rows with each text of a list, but joins this table by a hash.
 */
function listed(texts: readonly string[]): RawBuilder<unknown> {
  return sql`(SELECT DISTINCT unnest(${texts}::text[])) AS listed (one)`
}

/** Most merges that are followed from one member. */
const MOST_MERGES = 50

/** What is remembered of guests, by key. Members that were merged are followed to the one that stays. */
export async function rememberedGuests(
  tx: Transaction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Remembered>> {
  const { rows } = await sql<{ key: string; memberId: number | null; isChosen: boolean }>`
    SELECT guest_key AS key, member_id AS "memberId", chosen_by IS NOT NULL AS "isChosen"
    FROM ${listed(keys)} JOIN crm_pms_guests ON guest_key = one`.execute(tx)
  const members = await membersNow(
    tx,
    rows.flatMap(({ memberId }) => memberId ?? []),
  )
  return new Map(
    rows.map(({ key, memberId, isChosen }) => {
      const now = memberId === null ? undefined : members.get(memberId)
      return [key, { memberId: now?.id ?? null, isGone: now?.isGone ?? false, isChosen }]
    }),
  )
}

interface MemberNow {
  readonly id: number
  readonly mergedInto: number | null
  readonly isGone: boolean
}

/** For each member the one into which it was merged in the end, or itself. */
async function membersNow(tx: Transaction, ids: readonly number[]): Promise<ReadonlyMap<number, MemberNow>> {
  const found = new Map<number, MemberNow>()
  let asked = [...new Set(ids)]
  for (let step = 0; asked.length > 0 && step <= MOST_MERGES; step += 1) {
    // A statement for each step: a recursive one would read the whole table.
    const { rows } = await sql<MemberNow>`
      SELECT id, merged_into AS "mergedInto", deleted_at IS NOT NULL AS "isGone" FROM members
      WHERE id = ANY (${asked}::bigint[])`.execute(tx)
    for (const row of rows) found.set(row.id, row)
    asked = [...new Set(rows.flatMap(({ mergedInto }) => mergedInto ?? []))].filter((id) => !found.has(id))
  }
  const last = (id: number): MemberNow | undefined => {
    let now = found.get(id)
    for (let step = 0; now && now.mergedInto !== null && step < MOST_MERGES; step += 1) now = found.get(now.mergedInto)
    return now
  }
  return new Map(
    ids.flatMap((id) => {
      const now = last(id)
      return now ? [[id, now] as const] : []
    }),
  )
}

const KNOWN: RawBuilder<unknown> = sql`
  id, id_number_index AS "idNumberIndex", phone_e164 AS phone, lower(email) AS email, first_name, last_name, gender,
  birthday::text AS birthday`

/** The members with these ids, or with a key of these guests; locked, by id. Deleted ones are not among them. */
export async function lockKnown(
  tx: Transaction,
  ids: readonly number[],
  guests: readonly Omit<Identity, 'key'>[],
): Promise<readonly KnownMember[]> {
  const present = (key: keyof Omit<Identity, 'key'>) => guests.map((guest) => guest[key]).filter((one) => one !== null)
  const { rows } = await sql<KnownMember>`
    SELECT ${KNOWN} FROM members
    WHERE deleted_at IS NULL AND merged_into IS NULL AND id = ANY (ARRAY(
      SELECT unnest(${ids}::bigint[])
      UNION SELECT id FROM ${listed(present('idNumberIndex'))} JOIN members ON id_number_index = one
      UNION SELECT id FROM ${listed(present('phone'))} JOIN members ON phone_e164 = one
      UNION SELECT id FROM ${listed(present('email'))} JOIN members ON lower(email) = one
    ))
    ORDER BY id FOR UPDATE`.execute(tx)
  return rows
}

const FILLED = [
  ...(['first_name', 'last_name', 'gender', 'email', 'phone', 'phone_e164'] as const),
  ...(['id_number', 'id_number_index', 'id_number_masked'] as const),
] as const

/** Writes fields of members that are empty; others stay. The members are locked. */
export async function fillMembers(
  tx: Transaction,
  fills: readonly { readonly memberId: number; readonly columns: MemberColumns }[],
  now: Date,
): Promise<void> {
  if (fills.length === 0) return
  const ids = fills.map(({ memberId }) => memberId)
  const column = (name: keyof MemberColumns) => fills.map(({ columns }) => columns[name] ?? null)
  await sql`
    UPDATE members m SET updated_at = ${now}, birthday = coalesce(m.birthday, v.birthday),
      ${sql.join(FILLED.map((name) => sql`${sql.ref(name)} = coalesce(m.${sql.ref(name)}, v.${sql.ref(name)})`))}
    FROM unnest(${ids}::bigint[], ${column('birthday')}::date[],
      ${sql.join(FILLED.map((name) => sql`${column(name)}::text[]`))})
      AS v (id, birthday, ${sql.join(FILLED.map((name) => sql.ref(name)))})
    WHERE m.id = v.id`.execute(tx)
}

/** Remembers the members of guests that were matched. */
export async function rememberMatches(
  tx: Transaction,
  matches: readonly { readonly key: string; readonly memberId: number }[],
  now: Date,
): Promise<void> {
  if (matches.length === 0) return
  await sql`
    INSERT INTO crm_pms_guests (guest_key, member_id, created_at, updated_at)
    SELECT key, id, ${now}, ${now}
    FROM unnest(${matches.map(({ key }) => key)}::text[], ${matches.map(({ memberId }) => memberId)}::bigint[]) v (key, id)
    ON CONFLICT (guest_key) DO UPDATE SET member_id = excluded.member_id, updated_at = excluded.updated_at,
      chosen_by = NULL`.execute(tx)
}

/** Remembers a person's choice for a guest; without a member the guest is ignored from now on. */
export async function rememberChoice(
  tx: Transaction,
  guestKey: string,
  { memberId, chosenBy }: { readonly memberId: number | null; readonly chosenBy: number },
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO crm_pms_guests (guest_key, member_id, chosen_by, created_at, updated_at)
    VALUES (${guestKey}, ${memberId}, ${chosenBy}, ${now}, ${now})
    ON CONFLICT (guest_key) DO UPDATE SET member_id = excluded.member_id, chosen_by = excluded.chosen_by,
      updated_at = excluded.updated_at`.execute(tx)
}

/** The members of the consumption records with these order numbers. */
export async function ownersOfOrders(
  tx: Transaction,
  orderNumbers: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (orderNumbers.length === 0) return new Map()
  const { rows } = await sql<{ orderNumber: string; memberId: number }>`
    SELECT order_number AS "orderNumber", member_id AS "memberId"
    FROM ${listed(orderNumbers)} JOIN consumption_records ON order_number = one`.execute(tx)
  return new Map(rows.map(({ orderNumber, memberId }) => [orderNumber, memberId]))
}

/** Moves known records to the member that a person chose. */
export async function moveOrders(tx: Transaction, orderNumbers: readonly string[], memberId: number): Promise<void> {
  await sql`
    UPDATE consumption_records SET member_id = ${memberId}
    WHERE order_number = ANY (${orderNumbers}::text[]) AND member_id <> ${memberId}`.execute(tx)
}

/** A member beside a review. */
export interface Candidate {
  readonly id: number
  readonly first_name: string | null
  readonly last_name: string | null
  readonly line_display_name: string | null
  readonly phone: string | null
  readonly email: string | null
  readonly id_number: string | null
}

/** Members who are not deleted, as candidates are shown: id numbers masked. */
export async function candidatesWith(db: Database, ids: readonly number[]): Promise<ReadonlyMap<number, Candidate>> {
  const { rows } = await sql<Candidate>`
    SELECT id, first_name, last_name, line_display_name, phone, email, id_number_masked AS id_number FROM members
    WHERE id = ANY (${ids}::bigint[]) AND deleted_at IS NULL`.execute(db)
  return new Map(rows.map((row) => [row.id, row]))
}

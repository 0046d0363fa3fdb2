import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { among } from '../../kernel/database/literals.ts'
import { effectiveRules, type OwnRules } from './bookingRules/rules.ts'
import { ruleColumns, ruleJoins } from './bookingRules/store.ts'
import { closureKind } from './closures/store.ts'
import type { BookingFacts } from './rules.ts'
import { ACTIVE, type ReservationStatus } from './states.ts'

/** A slot lasts a day at most, so a person's running reservations started within the last day. */
const LONGEST_SLOT = '1 day'

/** States that count against a limit per day or week: all but cancelled, rejected and displaced. */
const COUNTED: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed', 'no_show']

/** Person and slot that the facts are about. */
export interface FactsQuestion {
  readonly userId: number
  readonly slotId: number
  /** A reservation that is about to be moved; it is not counted. */
  readonly except?: number
  readonly now: Date
  /** Time zone for days and weeks. */
  readonly zone: string
}

type FactsRow = {
  nth: number
  id: number
  venueId: number
  venueName: string
  startAt: Date
  endAt: Date
  capacity: number
  taken: number
  held: number
  open: boolean
  daysAhead: number
  personActive: boolean | null
  revision: number | null
  credit: number
  points: number
  active: number
  day: number
  week: number
  ownOverlap: boolean | null
  entryId: number | null
  heldForMember: number
} & OwnRules

/** Null when there is no such slot; `member` is null when the person has no row in venue_members yet. */
export type FactsAnswer =
  | (Omit<BookingFacts, 'member'> & {
      readonly member: BookingFacts['member'] | null
      /** False for a disabled or deleted account. */
      readonly personActive: boolean
    })
  | null

/** Reads all facts for the decision about a booking, in one statement that concurrent questions share. */
export async function bookingFacts(db: Database, question: FactsQuestion): Promise<FactsAnswer> {
  const row = await readTogether(db, question)
  if (!row) return null
  return {
    slot: { ...row, closedBy: row.open ? null : await closureKind(db, row.id) },
    rules: effectiveRules(row, null, null),
    personActive: row.personActive ?? false,
    member:
      row.revision === null
        ? null
        : {
            revision: row.revision,
            credit: row.credit,
            points: row.points,
            counts: { active: row.active, day: row.day, week: row.week },
            ownOverlap: row.ownOverlap ?? false,
            entryId: row.entryId,
            heldForMember: row.heldForMember,
          },
  }
}

/** Counts the person's reservations and finds overlaps. Needs `asked` and the slot `s` in scope. */
const ownReservations = sql`
      SELECT
        (count(*) FILTER (
          WHERE r.venue_id = s.venue_id AND r.end_at > asked.now AND r.status IN ${among(ACTIVE)}
        ))::int AS active,
        (count(*) FILTER (
          WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
            AND date_trunc('day', r.start_at, asked.zone) = date_trunc('day', s.start_at, asked.zone)
        ))::int AS day,
        (count(*) FILTER (
          WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
            AND date_trunc('week', r.start_at, asked.zone) = date_trunc('week', s.start_at, asked.zone)
        ))::int AS week,
        bool_or(r.status IN ${among(ACTIVE)} AND r.during && s.during) AS overlap
      FROM reservations r
      WHERE r.user_id = asked."userId"
        AND r.id IS DISTINCT FROM asked."except"
        AND r.start_at >= least(date_trunc('week', s.start_at, asked.zone), asked.now - ${LONGEST_SLOT}::interval)`

/** The LIMIT makes the planner look up each question by its ids, however many questions it expects. */
const readTogether = gathered(
  async (db, questions: readonly FactsQuestion[]): Promise<readonly (FactsRow | undefined)[]> => {
    const { rows } = await sql<FactsRow>`
    SELECT asked.nth, f.*
    FROM jsonb_to_recordset(${JSON.stringify(questions.map((one, nth) => ({ nth, ...one })))}::text::jsonb) AS asked
      (nth int, "userId" bigint, "slotId" bigint, "except" bigint, now timestamptz, zone text)
    CROSS JOIN LATERAL (
      SELECT
        s.id, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt",
        s.capacity, s.taken, s.held, s.open,
        (s.start_at AT TIME ZONE asked.zone)::date - (asked.now AT TIME ZONE asked.zone)::date AS "daysAhead",
        ${ruleColumns},
        (SELECT u.status = 'active' FROM users u WHERE u.id = asked."userId") AS "personActive",
        m.revision, coalesce(m.credit, 0) AS credit, coalesce(m.points, 0) AS points,
        own.active, own.day, own.week, own.overlap AS "ownOverlap",
        w.id AS "entryId", CASE WHEN w.state = 'offered' THEN w.party_size ELSE 0 END AS "heldForMember"
      FROM time_slots s
      JOIN venues v ON v.id = s.venue_id
      ${ruleJoins}
      LEFT JOIN venue_members m ON m.user_id = asked."userId"
      LEFT JOIN waiting_list w ON w.slot_id = s.id AND w.user_id = asked."userId"
        AND (w.state = 'waiting' OR w.state = 'offered' AND w.offer_expires_at > asked.now)
      CROSS JOIN LATERAL (${ownReservations}) own
      WHERE s.id = asked."slotId" AND s.deleted_at IS NULL AND v.deleted_at IS NULL
      LIMIT 1
    ) f`.execute(db)
    return inOrderOf(questions, rows)
  },
)

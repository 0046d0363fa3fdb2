import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { settleBookings } from '../../src/room/core/settling.ts'
import { moment } from '../../src/room/fields.ts'
import { onServer } from '../support/database.ts'
import { people, room, setting } from '../support/room.ts'
import { MONDAY, openWorld, type Person, type World } from '../support/world.ts'
import { randomOf } from './random.ts'
import {
  type Booking,
  explanations,
  holds,
  MOVES,
  type Operation,
  type Outcome,
  overlap,
  type Span,
  settled,
} from './roomModel.ts'

const SECONDS = Number(process.env.PROOF_SECONDS ?? 8)
/** Without PROOF_SEED every run is the same; `npm run prove` uses another seed each time. */
const SEED = Number(process.env.PROOF_SEED ?? 20_260_302)
const WORKERS = 12
const STEPS = 10
const MINUTE = 60_000
/** Most additional seconds until each kind of operation has succeeded. */
const MORE_SECONDS = 90
const WORDS: Readonly<Record<string, string>> = { '0': 'pending', '1': 'approved', '4': 'ongoing', '5': 'completed' }

/** Outcomes that must occur at least once, so that the run tests them. */
const TO_BE_SEEN = [
  ...['make', 'edit', 'end', 'cancel', 'force', 'approve', 'reject'].map((kind) => `${kind} 200`),
  'make taken',
  'edit taken',
]

/** The span that a booking held, from one tick to another at most. */
interface Holding extends Span {
  readonly since: number
  until: number
}

/** A refusal between two ticks because a span was taken. */
interface Refusal {
  readonly wanted: Span
  readonly msg: string
  readonly from: number
  readonly to: number
}

describe.runIf(onServer)(`Concurrent operations on bookings (PROOF_SEED=${SEED})`, () => {
  let world: World
  let staff: Person
  let groups: readonly (readonly Person[])[]
  let rooms: readonly number[]
  beforeAll(async () => {
    world = await openWorld()
    staff = await world.person('room:admin')
    groups = await Promise.all(Array.from({ length: WORKERS }, () => people(world, 3)))
    rooms = await Promise.all(Array.from({ length: 5 }, () => room(world)))
    await setting(world, { participant_overlap: 'allow' })
    await world.rows('CREATE TABLE proof_moves (booking_id bigint, move text)')
    await world.rows(`CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO proof_moves VALUES (new.id, old.status || new.status); RETURN NULL; END $$`)
    await world.rows(`CREATE TRIGGER note_move AFTER UPDATE OF status ON tb_facility_booking FOR EACH ROW
      WHEN (old.status <> new.status) EXECUTE FUNCTION note_move()`)
  })
  afterAll(() => world.close())

  const zone = 'Asia/Shanghai'
  const wire = (time: number) => moment(new Date(time), zone)
  const random = randomOf(SEED)
  const upTo = (n: number) => Math.floor(random() * n)
  const pick = <T>(items: readonly T[]): T => {
    const item = items[upTo(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /** The model: every booking by id, in its state by the clock. */
  const model = new Map<number, Booking>()
  const holdings = new Map<number, Holding>()
  let gone: Holding[] = []
  let refusals: Refusal[] = []
  const tally = new Map<string, number>()
  let tick = 0
  let now = MONDAY.getTime()
  let audit = true

  /** Updates the model with the new state of a booking, reached between two ticks. */
  function learn(booking: Booking, from: number, to: number): void {
    model.set(booking.id, booking)
    const before = holdings.get(booking.id)
    if (
      before &&
      holds(booking) &&
      before.start === booking.start &&
      before.end === booking.end &&
      before.roomId === booking.roomId
    )
      return
    if (before) {
      before.until = to
      gone.push(before)
      holdings.delete(booking.id)
    }
    if (holds(booking)) holdings.set(booking.id, { ...spanOf(booking), since: from, until: Number.POSITIVE_INFINITY })
  }

  const spanOf = ({ roomId, start, end }: Span): Span => ({ roomId, start, end })

  function someSpan(): Span {
    const start = now + upTo(24) * 5 * MINUTE
    return { roomId: pick(rooms), start, end: start + (1 + upTo(12)) * 5 * MINUTE }
  }

  const bodyOf = (span: Span) => ({ roomId: span.roomId, startTime: wire(span.start), endTime: wire(span.end) })

  /** The outcome of an answer. @throws Error for an outcome that the model does not have. */
  function outcomeOf(body: { code: number; msg: string }, wanted: Span | null, from: number, kind: string): Outcome {
    const taken = wanted !== null && body.code === 500 && body.msg.startsWith('该时间段已被占用')
    const outcome = taken ? 'taken' : body.code
    if (wanted && taken) refusals.push({ wanted, msg: body.msg, from, to: tick })
    if (outcome !== 200 && outcome !== 409 && outcome !== 500 && outcome !== 'taken')
      throw new Error(JSON.stringify(body))
    tally.set(`${kind} ${outcome}`, (tally.get(`${kind} ${outcome}`) ?? 0) + 1)
    return outcome
  }

  async function make(group: readonly Person[]): Promise<number[]> {
    const wanted = someSpan()
    const from = ++tick
    const payload = { ...bodyOf(wanted), purpose: '证明', userIdList: group.map(({ id }) => id) }
    const { body } = await world.call('POST', '/portal/facility/booking', { as: group[0], payload })
    tick += 1
    const outcome = outcomeOf(body, wanted, from, 'make')
    if (outcome === 'taken') return []
    expect(body).toMatchObject({ code: 200, data: { status: audit ? '0' : '1' } })
    learn(settled({ ...wanted, id: body.data.id, status: audit ? '0' : '1' }, now), from, tick)
    return [body.data.id]
  }

  function someOperation(booking: Booking): Operation {
    const kind = pick(['edit', 'edit', 'end', 'cancel', 'force', 'approve', 'approve', 'reject'] as const)
    if (kind === 'edit') return { kind, to: random() < 0.2 ? spanOf(booking) : someSpan() }
    if (kind === 'end') return { kind, end: random() < 0.5 ? null : now + (upTo(9) - 2) * 5 * MINUTE }
    return { kind }
  }

  async function send(owner: Person | undefined, id: number, operation: Operation): Promise<Outcome> {
    const from = ++tick
    const own = `/portal/facility/booking/${id}`
    const desk = `/manage/facility/booking/${id}`
    const answer = () => {
      switch (operation.kind) {
        case 'edit':
          return world.call('PUT', own, { as: owner, payload: bodyOf(operation.to) })
        case 'end':
          return world.call('PUT', `${own}/end-early`, {
            as: owner,
            payload: { endTime: operation.end === null ? null : wire(operation.end) },
          })
        case 'cancel':
          return world.call('DELETE', own, { as: owner })
        case 'force':
          return world.call('DELETE', `${desk}/force?reason=x`, { as: staff })
        case 'approve':
          return world.call('PUT', `${desk}/approve`, { as: staff })
        case 'reject':
          return world.call('PUT', `${desk}/reject`, { as: staff, payload: { reason: 'x' } })
      }
    }
    const { body } = await answer()
    tick += 1
    return outcomeOf(body, operation.kind === 'edit' ? operation.to : null, from, operation.kind)
  }

  /** Sends one to three operations on one booking at once. */
  async function operate(group: readonly Person[], booking: Booking): Promise<void> {
    const from = ++tick
    const count = random() < 0.6 ? 1 : 2 + upTo(2)
    const operations = Array.from({ length: count }, () => someOperation(booking))
    const done = await Promise.all(
      operations.map(async (operation) => ({ operation, outcome: await send(group[0], booking.id, operation) })),
    )
    const possible = explanations(booking, done, { now, audit })
    const [stands] = await stored(`WHERE id = ${booking.id}`)
    // Only the final state shows in which order they ran.
    expect(
      possible.map((states) => states.at(-1)),
      JSON.stringify({ booking, done }),
    ).toContainEqual(stands)
    // The booking may have held these spans for a moment.
    for (const state of possible.flat()) {
      if (holds(state)) gone.push({ ...spanOf(state), since: from, until: tick })
    }
    if (stands) learn(stands, from, ++tick)
  }

  /** The stored bookings in their state by the clock. */
  async function stored(where = ''): Promise<Booking[]> {
    const rows = await world.rows<{ id: number; roomId: number; start: Date; end: Date; status: Booking['status'] }>(
      `SELECT id, room_id AS "roomId", start_time AS start, end_time AS end, status FROM tb_facility_booking ${where} ORDER BY id`,
    )
    return rows.map(({ id, roomId, start, end, status }) =>
      settled({ id, roomId, start: start.getTime(), end: end.getTime(), status }, now),
    )
  }

  async function work(group: readonly Person[], own: number[]): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      const live = own.flatMap((id) => model.get(id) ?? []).filter(({ status }) => !'35'.includes(status))
      // Mostly bookings that can still change, sometimes one that is over.
      const candidates = live.length > 0 && random() < 0.9 ? live : own.flatMap((id) => model.get(id) ?? [])
      if (random() < 0.4 || candidates.length === 0) own.push(...(await make(group)))
      else await operate(group, pick(candidates))
    }
  }

  /** Checks that every «taken» named an overlapping span that a booking held at that time. */
  function expectRefusalsExplained(): void {
    const held = [...holdings.values(), ...gone]
    for (const { wanted, msg, from, to } of refusals) {
      const reason = held.find(
        (holding) =>
          overlap(holding, wanted) &&
          holding.since <= to &&
          holding.until >= from &&
          msg.includes(`（${words(holding)}）`),
      )
      expect(reason ?? { wanted, msg, from, to }).toBe(reason)
    }
    refusals = []
    gone = []
  }

  const words = ({ start, end }: Span) => {
    const [first, last] = [wire(start), wire(end)]
    return `${first} 至 ${first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last}`
  }

  async function expectTimelines(): Promise<void> {
    const from = now - 3 * 60 * MINUTE
    const to = now + 6 * 60 * MINUTE
    for (const roomId of rooms) {
      const { body } = await world.call(
        'GET',
        `/manage/facility/room/${roomId}/timeline?from=${encodeURIComponent(wire(from))}&to=${encodeURIComponent(wire(to))}`,
        { as: staff },
      )
      const segments: { id: number; start: string; end: string; status: string }[] = body.data.segments
      const expected = [...model.values()]
        .filter((booking) => booking.status in WORDS && overlap(booking, { roomId, start: from, end: to }))
        .map(({ id, start, end, status }) => ({ id, start: wire(start), end: wire(end), status: WORDS[status] }))
      const byId = (a: { id: number }, b: { id: number }) => a.id - b.id
      expect(segments.map(({ id, start, end, status }) => ({ id, start, end, status })).sort(byId)).toEqual(
        expected.sort(byId),
      )
    }
  }

  test(
    `for ${SECONDS} s cause no overlap and no forbidden state change, and the timeline matches the model`,
    async () => {
      const end = performance.now() + SECONDS * 1000
      const owned = groups.map((): number[] => [])
      let rounds = 0
      const lacking = () => TO_BE_SEEN.filter((seen) => !tally.has(seen))
      while (performance.now() < end || (lacking().length > 0 && performance.now() < end + MORE_SECONDS * 1000)) {
        world.clock.set(new Date(now))
        audit = random() < 0.6
        await setting(world, { audit_required: audit })
        await Promise.all([
          ...groups.map((group, n) => work(group, owned[n] ?? [])),
          settleBookings(world.kernel),
          settleBookings(world.kernel),
        ])
        expectRefusalsExplained()
        expect(await stored()).toEqual([...model.values()].sort((a, b) => a.id - b.id))
        const overlaps = await world.rows(`SELECT a.id, b.id AS other FROM tb_facility_booking a
          JOIN tb_facility_booking b ON a.room_id = b.room_id AND a.id < b.id AND a.during && b.during
          WHERE a.status IN ('0', '1', '4') AND b.status IN ('0', '1', '4')`)
        expect(overlaps).toEqual([])
        await expectTimelines()
        now += upTo(4) * 5 * MINUTE
        for (const booking of [...model.values()]) learn(settled(booking, now), tick, tick)
        rounds += 1
      }
      const moves = await world.rows<{ move: string; count: number }>(
        'SELECT move, count(*) FROM proof_moves GROUP BY move ORDER BY move',
      )
      expect(MOVES).toEqual(expect.arrayContaining(moves.map(({ move }) => move)))
      if (process.env.PROOF_SECONDS)
        console.info(rounds, 'rounds', model.size, 'bookings', Object.fromEntries(tally), moves)
      // Every operation succeeded, and some met occupied times.
      expect(lacking()).toEqual([])
    },
    (SECONDS + MORE_SECONDS + 60) * 1000,
  )
})

import { earlier, minutesAfter } from '../../booking/interval.ts'
import { originOf } from '../../kernel/audit/origin.ts'
import type { Database } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { messageJson, operationJson } from '../../kernel/outbox/outbox.ts'
import { plainMoment } from '../fields.ts'
import { type FactsQuestion, readFacts } from './factsStore.ts'
import { createGate } from './gate.ts'
import { holdersOf } from './holdersStore.ts'
import { peopleOf, visitOf, visitWords } from './messages.ts'
import { insertOrder } from './orderRowStore.ts'
import { noSuchPatient, noSuchSchedule, refused, soldOut } from './refusals.ts'
import { closesAt, type Facts, priceOf, refusals, type Way } from './rules.ts'
import { soldOutMemory } from './soldOut.ts'

/** A request for a number. */
export interface Registration {
  readonly scheduleId: number
  readonly patientId: number
  readonly symptoms: string
}

/** An order that was made. */
export interface Registered {
  readonly orderId: number
  readonly number: number
  /** In fen; 0: nothing to pay. */
  readonly price: number
  readonly status: 'pending' | 'confirmed'
  readonly expiresAt: Date | null
  readonly facts: Facts
}

/**
 * Registers a patient for a schedule: reads the facts, lets the rules decide, and writes with every guard in one
 * statement. If the facts have changed in between, it is done again on fresh facts. Sold-out schedules are refused from
 * memory.
 * @throws Invalid with the code of the refusal; 106 if there is no such schedule or patient.
 */
export async function register(
  kernel: Kernel,
  caller: Caller,
  request: Registration,
  way: Extract<Way, 'normal' | 'desk'> = 'normal',
): Promise<Registered> {
  const registered =
    way === 'desk'
      ? await attempt(kernel, caller, request, way)
      : await turn.through(request.scheduleId, async () => {
          if (soldOutMemory(kernel).knows(request.scheduleId, request.patientId)) throw soldOut
          return await attempt(kernel, caller, request, way)
        })
  kernel.nudge()
  return registered
}

/**
 * At the release of numbers thousands ask for the same schedule at once. A few of them go to the database at a time, so
 * that the others learn from memory when it is sold out.
 */
const turn = createGate(32)

async function attempt(
  kernel: Kernel,
  caller: Caller,
  request: Registration,
  way: Extract<Way, 'normal' | 'desk'>,
): Promise<Registered> {
  const memory = soldOutMemory(kernel)
  const zone = kernel.config.timeZone
  return await kernel.withRetries(async (db) => {
    const now = kernel.clock.now()
    const facts = await foundFacts(db, { ...request, userId: caller.userId, now, zone })
    const [refusal] = refusals(facts, way, now, zone)
    if (refusal === 'sold_out' && !memory.has(request.scheduleId))
      memory.remember(request.scheduleId, await holdersOf(db, request.scheduleId))
    if (refusal) throw refused(refusal, facts, now, zone)
    return await write(kernel, db, caller, request, way, facts, now)
  })
}

/** The facts of a question. @throws Invalid 106 if there is no such schedule or patient. */
export async function foundFacts(db: Database, question: FactsQuestion): Promise<Facts> {
  const facts = await readFacts(db, question)
  if (facts === 'no_schedule') throw noSuchSchedule()
  if (facts === 'no_patient') throw noSuchPatient()
  return facts
}

async function write(
  kernel: Kernel,
  db: Database,
  caller: Caller,
  { symptoms }: Registration,
  way: 'normal' | 'desk',
  facts: Facts,
  now: Date,
): Promise<Registered> {
  const zone = kernel.config.timeZone
  const price = priceOf(facts)
  const status = price > 0 ? 'pending' : 'confirmed'
  const { registration, schedule } = facts.configuration
  const expiresAt = earlier(minutesAfter(now, registration.paymentTimeoutMinutes), closesAt(facts, way, zone))
  const source = way === 'desk' ? 'walk_in' : 'normal'
  const people = { initiatorId: caller.userId, patientUserId: facts.patient.userId, sourceType: source } as const
  const made = await insertOrder(db, {
    facts,
    initiatorId: caller.userId,
    price,
    expiresAt,
    symptoms,
    source,
    now,
    message: messageJson({
      type: `clinic.order.${status}`,
      userIds: peopleOf(people),
      data: { ...visitWords(visitOf(facts, price), schedule), pay_until: plainMoment(expiresAt, zone) },
    }),
    operation: operationJson({ ...originOf(caller), action: 'clinic.order.register', resource: 'clinic_order' }),
  })
  return { ...made, price, status, expiresAt: status === 'pending' ? expiresAt : null, facts }
}

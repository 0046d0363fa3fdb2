import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { mapDatabaseError } from '../../database/constraints.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { Conflict, Invalid } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { signedIn } from './authorise.ts'

/** Milliseconds for which the answer of a key is kept. */
const keyLife = 24 * 60 * 60 * 1000

/**
 * Runs `work` once per Idempotency-Key of a user. Without the header it is just `work(kernel)`. With it, key, work and
 * answer are one transaction. A parallel request with the same key waits; a repeat within 24 hours gets the first
 * answer and status again with `Idempotent-Replayed: true`. If `work` throws, nothing is kept. `work` must use the
 * kernel it is given, whose `db`, `transaction` and `withRetries` join that transaction, and must answer plain JSON:
 * with a key, the answer is what JSON makes of it, both times.
 * @throws Invalid `idempotency_key_invalid` for a bad key; 422 `idempotency_key_reused` if the key was used with
 * another request.
 */
export async function idempotent<T>(
  kernel: Kernel,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (kernel: Kernel) => Promise<T>,
): Promise<T> {
  const key = keyOf(request)
  if (key === undefined) return work(kernel)
  const keyed: KeyedRequest = {
    userId: signedIn(request).userId,
    key,
    operation: request.routeOptions.config.operation ?? `${request.method} ${request.routeOptions.url}`,
    bodyHash: hashOf({ params: request.params, query: request.query, body: request.body }),
    now: kernel.clock.now(),
  }
  const status = reply.statusCode
  let nudged = false
  const outcome = await kernel.transaction(async (tx): Promise<Outcome<T>> => {
    reply.code(status)
    nudged = false
    if (!(await takeKey(tx, keyed))) return { replayed: true, ...(await findAnswer<T>(tx, keyed)) }
    const answer = await work(joinedTo(tx, kernel, () => (nudged = true)))
    return { replayed: false, status: reply.statusCode, answer: await keepAnswer(tx, keyed, reply.statusCode, answer) }
  })
  if (nudged) kernel.nudge()
  if (outcome.replayed) reply.code(outcome.status).header('idempotent-replayed', 'true')
  return outcome.answer
}

interface KeyedRequest {
  readonly userId: number
  readonly key: string
  readonly operation: string
  readonly bodyHash: string
  readonly now: Date
}

interface Outcome<T> {
  readonly replayed: boolean
  readonly status: number
  readonly answer: T
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new Invalid('idempotency_key_invalid', 'An Idempotency-Key has 1 to 255 visible ASCII characters.', {
    errors: [{ in: 'headers', path: '/idempotency-key', message: 'must have 1 to 255 visible ASCII characters' }],
  })
}

/** SHA-256 of the canonical JSON of a request (members sorted by name). */
function hashOf(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request, inOrder)).digest('hex')
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Claims the key. True if it is new or has expired. Waits for a transaction that is using it. */
async function takeKey(tx: Transaction, { userId, key, operation, bodyHash, now }: KeyedRequest): Promise<boolean> {
  const tooOld = new Date(now.getTime() - keyLife)
  const { rows } = await sql`
    INSERT INTO idempotency_keys AS k (user_id, key, operation, body_hash, created_at)
    VALUES (${userId}, ${key}, ${operation}, ${bodyHash}, ${now})
    ON CONFLICT (user_id, key) DO UPDATE
      SET operation = excluded.operation,
        body_hash = excluded.body_hash,
        status = NULL,
        answer = NULL,
        created_at = excluded.created_at
      WHERE k.created_at <= ${tooOld}
    RETURNING 1 AS taken`.execute(tx)
  return rows.length > 0
}

async function findAnswer<T>(
  tx: Transaction,
  { userId, key, operation, bodyHash }: KeyedRequest,
): Promise<{ status: number; answer: T }> {
  const { rows } = await sql<{ operation: string; body_hash: string; status: number | null; answer: T }>`
    SELECT operation, body_hash, status, answer FROM idempotency_keys
    WHERE user_id = ${userId} AND key = ${key}`.execute(tx)
  const [before] = rows
  if (!before || before.status === null)
    throw new Conflict('idempotency_key_busy', 'This Idempotency-Key is in use right now.')
  if (before.operation !== operation || before.body_hash !== bodyHash) {
    throw new Invalid('idempotency_key_reused', 'This Idempotency-Key was already used for another request.', {
      status: 422,
    })
  }
  return { status: before.status, answer: before.answer }
}

async function keepAnswer<T>(tx: Transaction, { userId, key }: KeyedRequest, status: number, answer: T): Promise<T> {
  const { rows } = await sql<{ answer: T }>`
    UPDATE idempotency_keys
    SET status = ${status}, answer = ${JSON.stringify(answer ?? null)}::jsonb
    WHERE user_id = ${userId} AND key = ${key}
    RETURNING answer`.execute(tx)
  const [kept] = rows
  if (!kept) throw new Error('the idempotency key vanished inside its own transaction')
  return kept.answer
}

/**
 * A kernel whose writes all belong to `tx`. Inner transactions are savepoints: one that fails is rolled back, and the
 * caller may continue.
 */
export function joinedTo(tx: Transaction, kernel: Kernel, nudge: () => void): Kernel {
  return {
    ...kernel,
    db: tx,
    reads: tx,
    transaction: (work) => inSavepoint(tx, () => work(tx)),
    withRetries: (work) => inSavepoint(tx, () => work(tx)),
    nudge,
  }
}

async function inSavepoint<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  await sql`SAVEPOINT inner_work`.execute(tx)
  try {
    const result = await work()
    await sql`RELEASE SAVEPOINT inner_work`.execute(tx)
    return result
  } catch (error) {
    await sql`ROLLBACK TO SAVEPOINT inner_work`.execute(tx).catch(() => undefined)
    throw mapDatabaseError(error)
  }
}

/** Deletes expired keys; answers how many. */
export async function forgetOldKeys(db: Database, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM idempotency_keys WHERE created_at <= ${new Date(now.getTime() - keyLife)}`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

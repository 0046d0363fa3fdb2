import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'
import { DEAD_LETTERS, SCHEMA } from './names.ts'

/** Work that was given up: a job without tries left, or an outbox row that can't be handed on. */
export interface DeadLetter {
  /** `job:<uuid>` or `outbox:<number>` */
  readonly id: string
  readonly source: 'job' | 'outbox'
  /** The job's name, or the message's type. */
  readonly name: string
  readonly payload: unknown
  readonly error: string
  readonly failedAt: Date
}

const letters = sql`
  SELECT 'job:' || id AS id, 'job' AS source, coalesce(source_name, name) AS name, data->'payload' AS payload,
    coalesce(source_output->>'message', 'unknown') AS error, created_on AS "failedAt"
  FROM ${sql.raw(SCHEMA)}.job
  WHERE name = ${DEAD_LETTERS} AND state IN ('created', 'retry')
  UNION ALL
  SELECT 'outbox:' || id, 'outbox', coalesce(message->>'type', operation->>'action', 'unknown'),
    coalesce(message, operation), error, failed_at
  FROM outbox_failures`

/** Reads one page of the dead letters, in order of failure, and their total number. */
export async function listDeadLetters(
  db: Database,
  page: { readonly limit: number; readonly offset: number; readonly descending: boolean },
): Promise<{ readonly items: readonly DeadLetter[]; readonly total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const items = await sql<DeadLetter>`
    SELECT *
    FROM (${letters}) AS l
    ORDER BY "failedAt" ${direction}, id ${direction}
    LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM (${letters}) AS l`.execute(db)
  return { items: items.rows, total: counted.rows[0]?.total ?? 0 }
}

/**
 * Puts dead letters back into their queue or the outbox, with a full number of tries. Returns how many were put back.
 */
export async function retryDeadLetters(kernel: Kernel, ids: readonly string[]): Promise<number> {
  const { jobs, rows } = split(ids)
  const { db, clock } = kernel
  const jobsBack = jobs.length > 0 ? await kernel.jobs.redrive(jobs) : 0
  const rowsBack = await sql`
    WITH taken AS (DELETE FROM outbox_failures WHERE id = ANY (${rows}::bigint[]) RETURNING id, message, operation)
    INSERT INTO outbox (message, operation, created_at)
    SELECT message, operation, ${clock.now()}
    FROM taken
    ORDER BY id`.execute(db)
  kernel.nudge()
  return jobsBack + Number(rowsBack.numAffectedRows ?? 0)
}

/** Deletes dead letters. Returns how many of the ids were dead letters. */
export async function dropDeadLetters(db: Database, ids: readonly string[]): Promise<number> {
  const { jobs, rows } = split(ids)
  const dropped = await sql`
    DELETE FROM ${sql.raw(SCHEMA)}.job WHERE name = ${DEAD_LETTERS} AND id = ANY (${jobs}::uuid[])`.execute(db)
  const droppedRows = await sql`DELETE FROM outbox_failures WHERE id = ANY (${rows}::bigint[])`.execute(db)
  return Number(dropped.numAffectedRows ?? 0) + Number(droppedRows.numAffectedRows ?? 0)
}

/** Splits ids by source. Ids of another shape are ignored. */
function split(ids: readonly string[]): { jobs: string[]; rows: number[] } {
  const uuid = /^job:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
  return {
    jobs: ids.flatMap((id) => uuid.exec(id)?.[1] ?? []),
    rows: ids.flatMap((id) => {
      const digits = /^outbox:(\d{1,15})$/.exec(id)?.[1]
      return digits === undefined ? [] : [Number(digits)]
    }),
  }
}

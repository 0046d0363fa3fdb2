import { Type } from 'typebox'
import Value from 'typebox/value'
import type { Changes } from '../../../kernel/audit/changes.ts'
import { SYSTEM } from '../../../kernel/audit/origin.ts'
import { isPermanentRefusal } from '../../../kernel/database/constraints.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, DomainError, Invalid } from '../../../kernel/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type MemberColumns, memberColumns } from '../../core/members.ts'
import { insertMember, updateMember } from '../../core/membersStore.ts'
import { tagMembers } from '../../core/taggingStore.ts'
import { keysOf } from './preview.ts'
import { judge } from './rules.ts'
import * as store from './store.ts'
import type { ImportedMember, OnExisting, RowFault } from './types.ts'

/** The name of the job that imports the rows of one import. */
export const IMPORT_JOB = 'crm.import'

const Payload = Type.Object({ id: Type.Integer() })

/** Rows of one run. The next run goes on, so that no run takes longer than a job may. */
const ROWS_OF_RUN = 1000
const ROWS_READ = 100

/**
 * Job: imports the rows of an import that wait, each in a transaction of its own, so that a run can end anywhere and the
 * next one goes on. What the preview decided is judged again.
 */
export async function runImport(kernel: Kernel, payload: unknown): Promise<void> {
  const id = Value.Check(Payload, payload) ? payload.id : 0
  const now = kernel.clock.now()
  const begun = await kernel.transaction((tx) => store.moveImport(tx, id, ['queued', 'running'], 'running', now))
  const found = begun ? await store.findImport(kernel.db, id) : undefined
  if (!found) return
  for (let done = 0; done < ROWS_OF_RUN; ) {
    const rows = await store.waitingRows(kernel.db, id, ROWS_READ)
    if (rows.length === 0) return await finish(kernel, id)
    for (const row of rows) if (!(await importRow(kernel, found, row))) return
    done += rows.length
  }
  await kernel.transaction((tx) => kernel.jobs.send(tx, IMPORT_JOB, { id }, { singletonKey: String(id) }))
}

async function finish(kernel: Kernel, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.moveImport(tx, id, ['running'], 'done', now))) return
    const found = await store.findImport(tx, id)
    if (!found) return
    const { created, updated, skipped, failed } = found
    await record(tx, now, {
      ...SYSTEM,
      action: 'member-import.done',
      resource: 'member-import',
      resourceId: id,
      changes: { counts: [null, { created, updated, skipped, failed }] },
    })
  })
  kernel.nudge()
}

interface Row {
  readonly line: number
  readonly member: string
}

/** Imports a row; false if the import is not running any more. */
async function importRow(kernel: Kernel, found: store.Import, row: Row): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryRow(kernel, found, row)
    } catch (error) {
      // Somebody else has just taken an address or number: then the row is about a known member.
      if (error instanceof Conflict && error.code.endsWith('_taken') && attempt === 1) continue
      const errors = faultsOf(error)
      if (!errors) throw error
      return await markFailed(kernel, found.id, row.line, errors)
    }
  }
}

/** What a refusal says about a row; undefined for errors that are not about the row. */
function faultsOf(error: unknown): readonly RowFault[] | undefined {
  if (error instanceof Conflict || error instanceof Invalid) {
    const fields = (error.errors ?? []).map(({ path, message }) => ({ field: path.slice(1), message }))
    return fields.length > 0 ? fields : [{ field: '', message: error.message }]
  }
  if (error instanceof DomainError || !isPermanentRefusal(error)) return undefined
  return [{ field: '', message: 'could not be written' }]
}

async function tryRow(kernel: Kernel, found: store.Import, { line, member: encrypted }: Row): Promise<boolean> {
  const member = opened(kernel, encrypted)
  const { columns } = memberColumns(kernel, member.fields)
  const keys = keysOf(kernel, member)
  const now = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    if (!(await store.lockWaiting(tx, found.id, line))) return await isRunning(tx, found.id)
    const matches = await store.matchingMembers(tx, {
      idNumbers: keys.id_number === null ? [] : [keys.id_number],
      phones: keys.phone === null ? [] : [keys.phone],
      emails: keys.email === null ? [] : [keys.email],
    })
    const judgement = judge(keys, matches, found.onExisting)
    if ('faults' in judgement) {
      await store.finishRow(tx, found.id, line, { state: 'failed', memberId: null, errors: judgement.faults }, now)
      return true
    }
    const known = judgement.action === 'create' ? undefined : judgement.memberId
    const outcome =
      judgement.action === 'skip'
        ? ({ state: 'skipped', memberId: known ?? null } as const)
        : await write(tx, { known, columns, member, found, now })
    await store.finishRow(tx, found.id, line, { ...outcome, errors: [] }, now)
    return true
  })
}

/** The member of a row. @throws Invalid `not_readable` if the key is gone with which it was encrypted */
function opened({ secrets }: Kernel, encrypted: string): ImportedMember {
  try {
    return JSON.parse(secrets.cipher.decrypt(encrypted))
  } catch {
    throw new Invalid('not_readable', 'The row can no longer be decrypted.')
  }
}

async function isRunning(tx: Transaction, id: number): Promise<boolean> {
  return (await store.findImport(tx, id))?.state === 'running'
}

async function write(
  tx: Transaction,
  {
    known,
    columns,
    member,
    found,
    now,
  }: {
    readonly known: number | undefined
    readonly columns: MemberColumns
    readonly member: ImportedMember
    readonly found: store.Import
    readonly now: Date
  },
): Promise<{ readonly state: 'created' | 'updated' | 'skipped'; readonly memberId: number }> {
  const id = known ?? (await insertMember(tx, { ...columns, source: 'crm' }, now))
  const changes =
    known === undefined ? recorded(columns, new Map()) : await change(tx, known, columns, found.onExisting, now)
  const added = await putTags(tx, id, member.tags, found.createTags, now)
  const changed = Object.keys(changes).length > 0 || added > 0
  if (changed)
    await record(tx, now, {
      actorId: found.createdBy,
      action: 'member.import',
      resource: 'member',
      resourceId: id,
      changes: { import: [null, found.id], ...changes, ...(added > 0 && { tags: [null, member.tags] as const }) },
    })
  return { state: known === undefined ? 'created' : changed ? 'updated' : 'skipped', memberId: id }
}

/** The changed columns for the operation log; the id number only as a mark. */
function recorded(columns: object, before: ReadonlyMap<string, unknown>): Changes {
  return Object.fromEntries(
    Object.entries(columns)
      .filter(([column]) => !['phone_e164', 'id_number', 'id_number_index'].includes(column))
      .map(([column, value]) => {
        const field = column === 'id_number_masked' ? 'id_number' : column
        return [field, [before.get(column) ?? null, value]] as const
      }),
  )
}

/** Changes a known member by the import's rule; answers what changed. */
async function change(
  tx: Transaction,
  id: number,
  columns: MemberColumns,
  onExisting: OnExisting,
  now: Date,
): Promise<Changes> {
  const current = await store.lockMember(tx, id)
  if (!current) throw new Conflict('member_gone', 'The member was deleted at the same time.')
  const wanted = Object.entries(columns).filter(
    ([column]) => current.get(column) === null || (onExisting === 'overwrite' && differs(column, columns, current)),
  )
  const changed = Object.fromEntries(wanted)
  if (wanted.length > 0) await updateMember(tx, id, changed, now)
  return recorded(changed, current)
}

/** Whether a column has another value. Encrypted numbers and phone numbers are compared by their keys. */
function differs(column: string, columns: MemberColumns, current: ReadonlyMap<string, unknown>): boolean {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(columns))
  const key = column.startsWith('id_number') ? 'id_number_index' : column === 'phone' ? 'phone_e164' : column
  const [ours, theirs] = [current.get(key), values.get(key)]
  if (column === 'email') return String(ours).toLowerCase() !== String(theirs).toLowerCase()
  return ours !== theirs
}

/** Puts the tags of a row on a member; returns the number of those that were added. */
async function putTags(
  tx: Transaction,
  id: number,
  names: readonly string[],
  create: boolean,
  now: Date,
): Promise<number> {
  if (names.length === 0) return 0
  const known = await store.tagsNamed(tx, names, { create, now })
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    const message = `has unknown tags: ${unknown.join(', ')}`
    throw new Invalid('unknown_tags', message, { errors: [{ in: 'body', path: '/tags', message }] })
  }
  const tags = [...known.values()].map((tagId) => ({ id: tagId, type: 'member' as const }))
  return await tagMembers(tx, [id], tags, { source: 'manual' }, now)
}

/** Writes that a row has failed; false if the import is not running any more. */
async function markFailed(kernel: Kernel, id: number, line: number, errors: readonly RowFault[]): Promise<boolean> {
  const now = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    if (!(await store.lockWaiting(tx, id, line))) return await isRunning(tx, id)
    await store.finishRow(tx, id, line, { state: 'failed', memberId: null, errors }, now)
    return true
  })
}

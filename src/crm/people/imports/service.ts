import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { maskIdNumber } from '../../core/members.ts'
import { missing } from '../../refusals.ts'
import { IMPORT_JOB } from './run.ts'
import * as store from './store.ts'
import type { ImportedMember } from './types.ts'

/** An import with what its rows would do. @throws NotFound */
export async function getImport(kernel: Kernel, id: number) {
  const found = await store.findImport(kernel.db, id)
  if (!found) throw missing('import')
  return { found, actions: await store.countActions(kernel.db, id) }
}

/** A row for an answer: its member is readable, with a masked id number, until the row is imported. */
export type ShownRow = Omit<store.ImportRow, 'member'> & { readonly member: ImportedMember | null }

/** One page of the rows of an import. @throws NotFound */
export async function getRows(
  kernel: Kernel,
  id: number,
  page: { readonly states?: readonly store.RowState[]; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly ShownRow[]; readonly total: number }> {
  if (!(await store.findImport(kernel.db, id))) throw missing('import')
  const { items, total } = await store.listRows(kernel.db, id, page)
  return { items: items.map((row) => ({ ...row, member: shown(kernel, row.member) })), total }
}

function shown(kernel: Kernel, encrypted: string | null): ImportedMember | null {
  if (encrypted === null) return null
  const member: ImportedMember = JSON.parse(kernel.secrets.cipher.decrypt(encrypted))
  const { id_number: idNumber, ...fields } = member.fields
  return { ...member, fields: { ...fields, ...(idNumber && { id_number: maskIdNumber(idNumber) }) } }
}

/** Starts the import of the valid rows. @throws NotFound, Conflict `wrong_state` | `nothing_to_import` */
export async function commitImport(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const moved = await store.moveImport(tx, id, ['previewed'], 'queued', now)
    const found = await store.findImport(tx, id)
    if (!found) throw missing('import')
    if (!moved) throw wrongState(found.state)
    if (found.valid === 0) throw new Conflict('nothing_to_import', 'No row of this file can be imported.')
    await kernel.jobs.send(tx, IMPORT_JOB, { id }, { singletonKey: String(id) })
    await record(tx, now, {
      ...originOf(caller),
      action: 'member-import.commit',
      resource: 'member-import',
      resourceId: id,
      changes: { rows: [null, found.valid] },
    })
  })
  kernel.nudge()
}

/** Stops an import. Rows that were imported stay. @throws NotFound, Conflict `wrong_state` */
export async function cancelImport(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await store.findImport(tx, id)
    if (!before) throw missing('import')
    const moved = await store.moveImport(tx, id, ['previewed', 'queued', 'running'], 'cancelled', now)
    if (!moved) throw wrongState((await store.findImport(tx, id))?.state ?? before.state)
    await record(tx, now, {
      ...originOf(caller),
      action: 'member-import.cancel',
      resource: 'member-import',
      resourceId: id,
      changes: { state: [before.state, 'cancelled'] },
    })
  })
  kernel.nudge()
}

function wrongState(state: store.ImportState): Conflict {
  return new Conflict('wrong_state', `This import is ${state}.`)
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Days for which the rows of a preview are kept. */
const KEPT_DAYS = 7

/** Job: goes on with imports whose process died, and deletes the rows of old previews. */
export async function tendImports(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  for (const id of await store.stalledImports(kernel.db, new Date(now.getTime() - MINUTE)))
    await kernel.transaction((tx) => kernel.jobs.send(tx, IMPORT_JOB, { id }, { singletonKey: String(id) }))
  for (const id of await store.oldPreviews(kernel.db, new Date(now.getTime() - KEPT_DAYS * DAY)))
    await kernel.transaction((tx) => store.moveImport(tx, id, ['previewed'], 'expired', now))
}

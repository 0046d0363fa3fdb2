import { createHash, randomBytes } from 'node:crypto'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './displayStore.ts'

const PREFIX = 'display_'

/** A new display: what it shows, and its name for the administrators. */
export interface NewDisplay {
  readonly name: string
  readonly areaId: number | undefined
  readonly clinicId: number | undefined
}

/** All displays. Their tokens can't be read again. */
export async function listDisplays(kernel: Kernel): Promise<readonly store.Display[]> {
  return await kernel.withRetries((db) => store.listDisplays(db))
}

/**
 * Adds a display for a clinic, or for an area. Returns its id and its token, which is shown only now.
 * @throws Invalid `no_scope` without both; 106 for an unknown area or clinic.
 */
export async function addDisplay(
  kernel: Kernel,
  caller: Caller,
  { name, areaId, clinicId }: NewDisplay,
): Promise<{ readonly id: number; readonly token: string }> {
  const now = kernel.clock.now()
  const token = `${PREFIX}${randomBytes(32).toString('base64url')}`
  const id = await kernel.transaction(async (tx) => {
    const area = clinicId === undefined ? areaId : await store.areaOfClinic(tx, clinicId)
    if (clinicId !== undefined && (area === undefined || (areaId !== undefined && areaId !== area)))
      throw missing('门诊')
    if (area === undefined) throw refusal(CODES.request, 'no_scope', '请指定大屏显示的院区 area_id 或门诊 clinic_id')
    if (!(await store.hasArea(tx, area))) throw missing('院区')
    const scope = { areaId: area, clinicId: clinicId ?? null }
    const id = await store.insertDisplay(tx, { ...scope, name, tokenHash: hashOf(token), by: caller.userId, now })
    const changes = { name: [null, name], area_id: [null, area], clinic_id: [null, clinicId ?? null] } as const
    const operation = { action: 'clinic.display.add', resource: 'clinic_display', resourceId: id, changes }
    await record(tx, now, { ...originOf(caller), ...operation })
    return id
  })
  kernel.nudge()
  return { id, token }
}

/** Deletes a display: its connections are closed. @throws Invalid 106. */
export async function removeDisplay(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const name = await store.deleteDisplay(tx, id)
    if (name === undefined) throw missing('大屏')
    const changes = { name: [name, null] } as const
    const operation = { action: 'clinic.display.remove', resource: 'clinic_display', resourceId: id, changes }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
  kernel.nudge()
}

/** The display of a token; undefined if it is no display's, or has ended. */
export async function displayOfToken(kernel: Kernel, token: string): Promise<store.Display | undefined> {
  if (!token.startsWith(PREFIX)) return undefined
  return await kernel.withRetries((db) => store.displayOfToken(db, hashOf(token)))
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

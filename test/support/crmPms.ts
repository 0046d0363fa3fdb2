import { expect } from 'vitest'
import { memberColumns } from '../../src/crm/core/members.ts'
import { insertMember } from '../../src/crm/core/membersStore.ts'
import { type PmsServer, startPmsServer } from '../../src/crm/demo/pms.ts'
import { type CrmWorld, openCrm } from './crm.ts'

export type SyncType = 'members' | 'consumption_records'

/** A CRM with a PMS as a fake server. */
export interface PmsWorld extends CrmWorld {
  readonly pms: PmsServer
  /** Starts a synchronisation; answers its task. */
  startSync(type: SyncType, force?: boolean): Promise<string>
  // biome-ignore lint/suspicious/noExplicitAny: answers have no static type
  syncStatus(task: string): Promise<any>
  /** A page of the log: `warning: page 1, row 2 …`. */
  syncLines(task: string, page?: number): Promise<readonly string[]>
  /** Starts a synchronisation and lets it run. */
  // biome-ignore lint/suspicious/noExplicitAny: answers have no static type
  sync(type: SyncType, force?: boolean): Promise<any>
  /** Adds a member as people enter one; answers the id. */
  newMember(fields: Readonly<Record<string, string>>): Promise<number>
  memberRow(id: number): Promise<Readonly<Record<string, unknown>>>
  /** Open reviews, or those of a filter. */
  // biome-ignore lint/suspicious/noExplicitAny: answers have no static type
  reviews(filter?: string): Promise<any>
  close(): Promise<void>
}

export async function openPms(): Promise<PmsWorld> {
  const pms = await startPmsServer()
  const world = await openCrm({ PMS_API_URL: pms.url, PMS_API_KEY: pms.key })
  return { ...world, pms, ...helpers(world, pms) }
}

function helpers(world: CrmWorld, pms: PmsServer) {
  const { admin: as } = world
  const startSync = async (type: SyncType, force = false): Promise<string> => {
    const payload = { sync_type: type, force }
    const { status, body } = await world.call('POST', '/api/v1/pms/sync', { as, payload })
    expect(status).toBe(200)
    return body.data.task_id
  }
  const syncStatus = async (task: string) =>
    (await world.call('GET', `/api/v1/pms/sync-status/${task}`, { as })).body.data
  return {
    startSync,
    syncStatus,
    async syncLines(task: string, page = 1) {
      const { body } = await world.call('GET', `/api/v1/pms/syncs/${task}/log?page=${page}`, { as })
      return body.data.items.map(({ level, text }: { level: string; text: string }) => `${level}: ${text}`)
    },
    async sync(type: SyncType, force = false) {
      const task = await startSync(type, force)
      await world.drain()
      return { task, ...(await syncStatus(task)) }
    },
    async newMember(fields: Readonly<Record<string, string>>) {
      const { columns } = memberColumns(world.kernel, fields)
      return await world.kernel.transaction((tx) => insertMember(tx, { ...columns, source: 'crm' }, world.clock.now()))
    },
    async memberRow(id: number) {
      const [row] = await world.rows<Record<string, unknown>>(`SELECT * FROM members WHERE id = ${id}`)
      return row ?? {}
    },
    async reviews(filter = '') {
      return (await world.call('GET', `/api/v1/pms/reviews?page_size=100${filter}`, { as })).body.data
    },
    async close() {
      try {
        expect(await world.verify()).toEqual([])
      } finally {
        await world.close()
        await pms.close()
      }
    },
  }
}

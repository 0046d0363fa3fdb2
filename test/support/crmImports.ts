import type { MemberFields } from '../../src/crm/core/members.ts'
import { memberColumns } from '../../src/crm/core/members.ts'
import { insertMember } from '../../src/crm/core/membersStore.ts'
import type { CrmWorld } from './crm.ts'
import { upload } from './uploads.ts'

/** The path of imports of members. */
export const IMPORTS = '/api/v1/members/import'

/** Ways to import files of members in a world, as a person of the customer service. */
export function importsIn(world: CrmWorld) {
  const call = (method: 'GET' | 'POST', path: string) => world.call(method, path, { as: world.service })

  async function send(content: string | Buffer, query = '', name = 'members.csv') {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const { status, body } = await upload(world, `${IMPORTS}${query}`, world.service, bytes, { name })
    return { status, body }
  }

  return {
    /** Uploads a file. */
    send,
    /** Uploads and commits a file, and runs its job; answers the import. */
    async importFile(content: string | Buffer, query = '') {
      const { id } = (await send(content, query)).body.data
      const { status, text } = await call('POST', `${IMPORTS}/${id}/commit`)
      if (status !== 200) throw new Error(text)
      await world.drain()
      return (await call('GET', `${IMPORTS}/${id}`)).body.data
    },
    /** Adds a member who came by LINE. */
    async person(fields: MemberFields): Promise<number> {
      const { columns } = memberColumns(world.kernel, fields)
      return await world.kernel.transaction((tx) => insertMember(tx, { ...columns, source: 'line' }, world.clock.now()))
    },
    membersBy: (condition: string) =>
      world.rows<Record<string, unknown>>(
        `SELECT * FROM members WHERE deleted_at IS NULL AND ${condition} ORDER BY id`,
      ),
    rowsOf: async (id: number, state?: string) =>
      (await call('GET', `${IMPORTS}/${id}/rows${state ? `?state=${state}` : ''}`)).body.data,
  }
}

import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CrmWorld, openCrm } from '../../../../../test/support/crm.ts'
import { csvCell } from '../../../../kernel/exports/csv.ts'
import { memberColumns } from '../../../core/members.ts'
import { insertMember } from '../../../core/membersStore.ts'
import { readCsv } from './csv.ts'
import { fileAdapter } from './files.ts'

describe('CSV', () => {
  const read = (text: string, options: { isEnd?: boolean; most?: number } = {}) =>
    readCsv(Buffer.from(text), { line: 1, isEnd: true, most: 100, ...options })

  it('gives back what a writer wrote, in parts of any size', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', '中', '😀', ' ') })
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { maxLength: 8 }),
        fc.nat(20),
        (rows, step) => {
          const bytes = Buffer.from(
            rows.map((row) => `${row.map((one) => csvCell(one, 'UTC')).join(',')}\r\n`).join(''),
          )
          const cells: (readonly string[])[] = []
          let [offset, line] = [0, 1]
          for (let end = step; offset < bytes.length; end += step + 1) {
            const part = readCsv(bytes.subarray(offset, end), { line, isEnd: end >= bytes.length, most: 2 })
            cells.push(...part.records.map((one) => one.cells))
            offset += part.bytes
            line = part.line
          }
          const wanted = rows.filter((row) => row.some((one) => one !== ''))
          expect(cells).toEqual(wanted.map((row) => row.map((one) => (/^[\n\r]/.test(one) ? `'${one}` : one))))
          expect(line).toBe(bytes.length === 0 ? 1 : 1 + bytes.filter((byte) => byte === 10).length)
        },
      ),
    )
  })

  it.each([
    ['a,"b\n', 'line 1: a quote is not closed'],
    ['a,b\n"c"d,e\n', 'line 2: text follows a closing quote'],
    [`a\n${'x,'.repeat(40_000)}\n`, 'line 2: the row is too long'],
    [`"${'x'.repeat(70_000)}"\n`, 'line 1: the row is too long, or a quote is not closed'],
  ])('refuses %#', (text, reason) => {
    expect(() => read(text)).toThrow(reason)
  })

  it('refuses bytes that are no UTF-8', () => {
    expect(() => readCsv(Buffer.from([0x61, 0x0a, 0xb4, 0xfa, 0x0a]), { line: 1, isEnd: true, most: 9 })).toThrow(
      'line 2: the text is no UTF-8',
    )
  })

  it('takes a last line without an end only at the end of the file', () => {
    expect(read('a,b\nc,d', { isEnd: false })).toMatchObject({ bytes: 4, line: 2 })
    expect(read('a,b\nc,d').records).toEqual([
      { cells: ['a', 'b'], line: 1 },
      { cells: ['c', 'd'], line: 2 },
    ])
  })
})

let world: CrmWorld
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'yuyue-pms-'))
  world = await openCrm({ PMS_DROP_DIR: folder })
})
beforeEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

/** Drops a file that has been quiet for some seconds. */
async function drop(name: string, content: string | Buffer, seconds = 11): Promise<void> {
  await writeFile(join(folder, name), content)
  const at = Date.now() / 1000 - seconds
  await utimes(join(folder, name), at, at)
}

async function sync(type = 'members', force = false) {
  const { body } = await world.call('POST', '/api/v1/pms/sync', {
    as: world.admin,
    payload: { sync_type: type, force },
  })
  await world.drain()
  const { data } = (await world.call('GET', `/api/v1/pms/sync-status/${body.data.task_id}`, { as: world.admin })).body
  const log = await world.call('GET', `/api/v1/pms/syncs/${body.data.task_id}/log`, { as: world.admin })
  return { ...data, lines: log.body.data.items.map(({ text }: { text: string }) => text) }
}

async function person(phone: string): Promise<number> {
  const { columns } = memberColumns(world.kernel, { phone })
  return await world.kernel.transaction((tx) => insertMember(tx, { ...columns, source: 'crm' }, world.clock.now()))
}

const names = async (sub = '') => (await readdir(join(folder, sub))).filter((name) => name.includes('.')).sort()

describe('Files of the PMS', () => {
  it('are read with or without a byte order mark, and moved to done/', async () => {
    const id = await person('0955000001')
    await drop('members-1.csv', '\uFEFFid,Phone ,last_name,unknown\r\n1,0955000001,"陳, ""大""",x\r\n\r\n')
    await drop('members-2.CSV', 'phone,gender\n0955000001,男\n')
    await drop('other.csv', 'phone\n')
    expect(await sync()).toMatchObject({ status: 'completed', synced_count: 2, failed_count: 0 })
    expect(await world.rows(`SELECT last_name, gender FROM members WHERE id = ${id}`)).toEqual([
      { last_name: '陳, "大"', gender: 'male' },
    ])
    expect(await names()).toEqual(['other.csv'])
    expect(await names('done')).toEqual([
      expect.stringMatching(/^members-1\.\d{8}T\d{6}Z-\d+\.csv$/),
      expect.stringMatching(/^members-2\.\d{8}T\d{6}Z-\d+\.csv$/),
    ])
    expect(await sync()).toMatchObject({ status: 'completed', synced_count: 0 })
    expect(await sync('members', true)).toMatchObject({ synced_count: 0 })
  })

  it('with the same name come again another day', async () => {
    await person('0955000002')
    for (const n of [1, 2]) {
      await drop('members.csv', `phone,first_name\n0955000002,${n}\n`, 20 - n)
      expect(await sync()).toMatchObject({ synced_count: 1 })
    }
    expect(await names('done')).toHaveLength(2)
  })

  it('wait while they are written: for ten seconds, or five minutes without a line end', async () => {
    await person('0955000003')
    const at = Math.floor(Date.now() / 1000) * 1000
    const cases: readonly (readonly [text: string, quiet: number, rows: number])[] = [
      ['phone\n0955000003\n', 9_999, 0],
      ['phone\n0955000003\n', 10_000, 1],
      ['phone\n0955000003', 299_999, 0],
      ['phone\n0955000003', 300_000, 1],
    ]
    for (const [text, quiet, rows] of cases) {
      await writeFile(join(folder, 'members.csv'), text)
      await utimes(join(folder, 'members.csv'), at / 1000, at / 1000)
      const page = await fileAdapter(folder, () => at + quiet).read('members', null, 1)
      expect([quiet, page.rows.length]).toEqual([quiet, rows])
      if (rows === 0) expect(page.lines).toEqual([{ level: 'info', text: expect.stringContaining('it waits') }])
    }
    await drop('members.csv', 'phone\n0955000003\n', 2)
    expect(await sync()).toMatchObject({ status: 'completed', synced_count: 0 })
    expect(await names()).toEqual(['members.csv'])
  })

  it('that can’t be read are moved to failed/ with a report, and stop no others', async () => {
    await person('0955000004')
    await drop('members-a.csv', 'name\nx\n')
    await drop('members-b.csv', 'phone,phone\n1,2\n')
    await drop('members-c.csv', 'phone,last_name\n0955000004,"open\n')
    await drop('members-d.csv', Buffer.from([0x70, 0x68, 0x6f, 0x6e, 0x65, 0x0a, 0xb4, 0xfa, 0x0a]))
    await drop('members-e.csv', '')
    await drop('members-f.csv', 'phone\n0955000004\n')
    expect(await sync()).toMatchObject({ status: 'completed', synced_count: 1 })
    expect(await names()).toEqual([])
    const failed = await names('failed')
    expect(failed.filter((name) => name.endsWith('.csv'))).toHaveLength(5)
    const reports = failed.filter((name) => name.endsWith('.csv.report.txt'))
    expect(await Promise.all(reports.map((name) => readFile(join(folder, 'failed', name), 'utf8')))).toEqual([
      'members-a.csv can’t be read: it has no column id or id_number or phone or email in its first line.\n',
      'members-b.csv can’t be read: the column phone is there twice.\n',
      'members-c.csv can’t be read: line 2: a quote is not closed.\n',
      'members-d.csv can’t be read: line 2: the text is no UTF-8.\n',
      'members-e.csv can’t be read: it has no column id or id_number or phone or email in its first line.\n',
    ])
  })

  it('have refused rows named by file and line', async () => {
    await drop('members.csv', 'phone,birthday\n0955000005,1990-01-01,x\n"0955\n000005",1990-13-01\n0955000005\n')
    const done = await sync()
    expect(done).toMatchObject({ status: 'completed', failed_count: 3 })
    expect(done.lines).toEqual(
      expect.arrayContaining([
        'members.csv line 2 was refused: it has 3 cells instead of 2.',
        'members.csv line 3 was refused: birthday must be a date YYYY-MM-DD.',
        'members.csv line 5 was refused: it has 1 cells instead of 2.',
      ]),
    )
  })

  it('of many rows are read in pages, each row once', async () => {
    const id = await person('0955000006')
    const rows = Array.from({ length: 1201 }, (_, n) => `0955000006,FILE-${n},${n}.50`)
    await drop('consumption_records-1.csv', `phone,order_number,amount\n${rows.join('\n')}\n`)
    expect(await sync('consumption_records')).toMatchObject({ synced_count: 1201, failed_count: 0 })
    expect(
      await world.rows(`SELECT count(*)::int AS count, sum(amount)::text AS sum FROM consumption_records
        WHERE member_id = ${id}`),
    ).toEqual([{ count: 1201, sum: '721200.50' }])
  })

  it('are not read again if the process was killed between the commit and the move', async () => {
    await drop('members.csv', 'phone\n0955000001\n')
    const adapter = fileAdapter(folder)
    const first = await adapter.read('members', null, 1)
    expect(first.rows).toHaveLength(1)
    const second = await adapter.read('members', first.cursor, 2)
    expect(second).toMatchObject({ rows: [], hasMore: false })
    expect(await names()).toEqual([])
    expect(await names('done')).toHaveLength(1)
    await first.afterCommit?.().catch(() => undefined)
  })

  it('are not read again by force either, when they could not be moved yet', async () => {
    await drop('members.csv', 'phone\n0955000001\n')
    const { cursor } = await fileAdapter(folder).read('members', null, 1)
    await world.rows(`UPDATE crm_sync_cursors SET cursor = 'files:${cursor}' WHERE sync_type = 'members'`)
    expect(await sync('members', true)).toMatchObject({ status: 'completed', synced_count: 0 })
    expect(await names('done')).toHaveLength(1)
  })

  it('are read from their start if another file has taken the name meanwhile', async () => {
    const adapter = fileAdapter(folder)
    const rows = Array.from({ length: 600 }, () => '0955000001').join('\n')
    await drop('members.csv', `phone\n${rows}\n`)
    const first = await adapter.read('members', null, 1)
    expect(first.rows).toHaveLength(500)
    expect((await adapter.read('members', first.cursor, 2)).rows).toHaveLength(100)
    await drop('members.csv', 'phone\n0955000001\n')
    expect((await adapter.read('members', first.cursor, 2)).rows).toHaveLength(1)
  })

  it('that are links or folders are not read', async () => {
    await mkdir(join(folder, 'members-folder.csv'))
    await symlink('/etc/passwd', join(folder, 'members-link.csv'))
    expect((await fileAdapter(folder).read('members', null, 1)).rows).toEqual([])
  })

  it('are tried again when the folder is not there', async () => {
    await expect(fileAdapter(join(folder, 'none')).read('members', null, 1)).rejects.toMatchObject({
      kind: 'temporary',
      message: expect.stringContaining('ENOENT'),
    })
  })

  it('that grow while they are read are read on', async () => {
    await drop('members.csv', 'phone\n0955000001\n')
    await appendFile(join(folder, 'members.csv'), '0955000001\n')
    expect((await fileAdapter(folder).read('members', null, 1)).rows).toEqual([])
  })
})

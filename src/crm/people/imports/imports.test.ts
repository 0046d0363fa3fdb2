import { buffer } from 'node:stream/consumers'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, openCrm, tag } from '../../../../test/support/crm.ts'
import { IMPORTS, importsIn } from '../../../../test/support/crmImports.ts'
import { upload } from '../../../../test/support/uploads.ts'
import { type Call, callsBy } from '../../../../test/support/world.ts'
import { type Cell, fromMemory } from '../../../kernel/exports/rows.ts'
import { xlsxOf } from '../../../kernel/exports/xlsx.ts'

let world: CrmWorld
let call: Call
let imports: ReturnType<typeof importsIn>

beforeAll(async () => {
  world = await openCrm()
  call = callsBy(world, world.service)
  imports = importsIn(world)
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

async function workbook(columns: string[], ...rows: Cell[][]): Promise<Buffer> {
  return await buffer(xlsxOf({ columns, rows: fromMemory(rows) }, 'Asia/Taipei'))
}

describe('the preview', () => {
  test('shows counts, the first rows and every fault by column, and changes nothing', async () => {
    const known = await imports.person({ phone: '0955000001', first_name: '舊' })
    const before = await imports.membersBy('true')
    const { status, body } = await imports.send(
      [
        '\uFEFF手機,姓名,Email,生日,身分證字號,客戶等級',
        '955000001,王舊,,1988/5/20,,A',
        '0955-000-002,李新,new@example.com,32283,B123456789,',
        ',,,,,',
        '0955000002,重複,NEW@example.com,,,',
        '12,"壞, 的",nope,1/2/1990,12,',
        ',,,1990-01-01,,',
      ].join('\r\n'),
    )
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.data).toMatchObject({
      ...{ state: 'previewed', file_name: 'members.csv', on_existing: 'fill', create_tags: false },
      ...{ total: 5, valid: 2, invalid: 3, created: 0, plan: { create: 1, update: 1, skip: 0 } },
      ignored_columns: ['客戶等級'],
    })
    expect(body.data.columns[0]).toEqual({ heading: '手機', field: 'phone' })
    expect(body.data.rows).toMatchObject([
      {
        line: 2,
        state: 'valid',
        action: 'update',
        member_id: known,
        member: { phone: '0955000001', last_name: '王', birthday: '1988-05-20' },
      },
      {
        line: 3,
        state: 'valid',
        action: 'create',
        member_id: null,
        member: { birthday: '1988-05-20', id_number: 'B1******89' },
      },
      {
        ...{ line: 5, state: 'invalid', action: null },
        errors: [
          { field: 'phone', message: 'is the same as in line 3' },
          { field: 'email', message: 'is the same as in line 3' },
        ],
      },
      { line: 6, errors: [{ field: 'birthday' }, { field: 'email' }, { field: 'phone' }, { field: 'id_number' }] },
      { line: 7, errors: [{ field: '', message: 'has neither a name, e-mail address, phone number nor id number' }] },
    ])
    expect(await imports.membersBy('true')).toEqual(before)
    const stored = await world.rows(`SELECT * FROM crm_import_rows WHERE import_id = ${body.data.id}`)
    expect(JSON.stringify(stored)).not.toContain('B123456789')
    expect((await imports.rowsOf(body.data.id, 'invalid')).total).toBe(3)
    const failures = (await call('GET', `${IMPORTS}/${body.data.id}`)).body.data.failures
    expect(failures.map(({ line }: { line: number }) => line)).toEqual([5, 6, 7])
    await call('POST', `${IMPORTS}/${body.data.id}/cancel`)
  })

  test('reads workbooks, with what they make of numbers and dates', async () => {
    const file = await workbook(
      ['名', '手機', '生日', '接受優惠通知', '護照號碼'],
      ['甲', 955000010, new Date('1988-05-19T16:00:00Z'), '否', 300123456],
      ['乙', '0955000011', 32283, '是', null],
    )
    const { body } = await imports.send(file, '', 'members.xlsx')
    expect(body.data.rows).toMatchObject([
      {
        line: 2,
        errors: [],
        member: { phone: '0955000010', birthday: '1988-05-20', accept_marketing: false, id_number: '30*****56' },
      },
      { line: 3, errors: [], member: { birthday: '1988-05-20', accept_marketing: true } },
    ])
    await call('POST', `${IMPORTS}/${body.data.id}/cancel`)
  })

  test('reads Big5 and UTF-16', async () => {
    const big5 = Buffer.concat([
      Buffer.from('name,phone\n'),
      Buffer.from([0xa4, 0xfd, 0xa4, 0x70]),
      Buffer.from(',0955000020\n'),
    ])
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('姓名\t手機\n王小\t0955000020', 'utf16le')])
    for (const file of [big5, utf16]) {
      const { body } = await imports.send(file)
      expect(body.data.rows[0].member).toMatchObject({ last_name: '王', first_name: '小' })
      await call('POST', `${IMPORTS}/${body.data.id}/cancel`)
    }
  })

  test.each<[string, string | Buffer, string]>([
    ['no known column', 'a,b\n1,2', 'has no column with a name'],
    ['two columns of one field', '手機,電話\n1,2', 'has several columns for phone'],
    ['no rows', '手機\n\n', 'has no rows'],
    ['blank lines only', '\n  \n', 'is empty'],
    ['a broken quote', '手機\n"0955', 'line 2: a quote is not closed'],
    ['an old workbook', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0, 0]), 'is a workbook of an old version'],
    ['bytes without a meaning', Buffer.from([0x80, 0xff, 0, 1, 2]), 'is no CSV'],
    ['too many rows', `手機\n${'x\n'.repeat(20_001)}`, 'has more than 20000 rows'],
  ])('refuses a file with %s', async (_what, file, message) => {
    const { status, body } = await imports.send(file)
    expect([status, body.reason]).toEqual([422, 'unreadable_file'])
    expect(body.errors[0].message).toContain(message)
  })

  test('refuses damaged workbooks, other forms, and people without the right', async () => {
    expect((await imports.send(Buffer.from('PK nothing'))).body.reason).toBe('bad_workbook')
    expect((await call('POST', IMPORTS, { file: 'x' })).status).toBe(415)
    expect((await imports.send('手機\n1', '?on_existing=merge')).status).toBe(422)
    const bytes = Buffer.from('手機\n0955')
    expect((await upload(world, IMPORTS, world.marketing, bytes)).status).toBe(403)
    expect((await call('GET', IMPORTS, undefined, world.marketing)).status).toBe(403)
  })

  test('refuses a row that fits several members, or whose id number is another one', async () => {
    const [a, b] = [
      await imports.person({ phone: '0955000030' }),
      await imports.person({ email: 'b@example.com', phone: '0955000031', id_number: 'C123456789' }),
    ]
    const { body } = await imports.send('phone,email,id_number\n0955000030,b@example.com,\n0955000031,,C999999999\n')
    expect(body.data.rows.map((row: { errors: unknown }) => row.errors)).toEqual([
      [
        { field: 'phone', message: `belongs to member ${a}; the row fits several` },
        { field: 'email', message: `belongs to member ${b}; the row fits several` },
      ],
      [{ field: 'id_number', message: `is not the one of member ${b}, who has this phone number` }],
    ])
    const { status, body: refused } = await call('POST', `${IMPORTS}/${body.data.id}/commit`)
    expect([status, refused.reason]).toEqual([409, 'nothing_to_import'])
    expect((await call('GET', `${IMPORTS}/${body.data.id}`)).body.data.state).toBe('previewed')
  })
})

describe('the import', () => {
  test('adds new members with everything that a row says', async () => {
    const vip = await tag(world, { name: '匯入貴賓' })
    const done = await imports.importFile(
      [
        '姓,名,性別,生日,電子信箱,手機號碼,身分證/護照號碼,接受優惠通知,標籤,備註',
        '陳,大文,男,1980-02-29,Da@example.com,0955-000-040,D123456789,否,匯入貴賓,"a',
        'b"',
      ].join('\n'),
    )
    expect(done).toMatchObject({ state: 'done', total: 1, created: 1, updated: 0, skipped: 0, failed: 0 })
    const [member] = await imports.membersBy("email = 'Da@example.com'")
    expect(member).toMatchObject({
      ...{ last_name: '陳', first_name: '大文', gender: 'male', birthday: '1980-02-29', phone: '0955-000-040' },
      ...{
        phone_e164: '+886955000040',
        id_number_masked: 'D1******89',
        accept_marketing: false,
        notes: 'a\nb',
        source: 'crm',
      },
    })
    expect(await world.rows(`SELECT member_count FROM member_tags WHERE id = ${vip}`)).toEqual([{ member_count: 1 }])
    expect((await imports.rowsOf(done.id)).items).toMatchObject([
      { line: 2, state: 'created', member_id: member?.id, member: null },
    ])
    const log = await world.rows<{ actor_id: number; changes: unknown }>(
      `SELECT actor_id, changes FROM operation_log WHERE action = 'member.import' AND resource_id = '${String(member?.id)}'`,
    )
    expect(log).toMatchObject([
      { actor_id: world.service.id, changes: { id_number: [null, 'D1******89'], last_name: [null, '陳'] } },
    ])
    expect(JSON.stringify(log)).not.toContain('D123456789')
  })

  const known = async (suffix: string) =>
    await imports.person({ phone: `09550001${suffix}`, first_name: '原', email: `k${suffix}@example.com`, notes: null })
  const about = (suffix: string) =>
    `phone,first_name,last_name,email,accept_marketing,notes,id_number\n+8869550001${suffix},新,林,K${suffix}@EXAMPLE.com,否,n,E1234567${suffix}\n`

  test('fills only empty fields of a known member', async () => {
    const id = await known('50')
    expect(await imports.importFile(about('50'))).toMatchObject({ created: 0, updated: 1 })
    expect((await imports.membersBy(`id = ${id}`))[0]).toMatchObject({
      ...{ first_name: '原', last_name: '林', email: 'k50@example.com', phone: '0955000150', notes: 'n' },
      ...{ accept_marketing: true, id_number_masked: 'E1******50', source: 'line' },
    })
    // There is nothing left to fill.
    expect(await imports.importFile(about('50'))).toMatchObject({ updated: 0, skipped: 1 })
  })

  test('knows a member by an e-mail address in any notation', async () => {
    const id = await imports.person({ email: 'Mixed@Example.com' })
    expect(await imports.importFile('email,名\nmixed@EXAMPLE.com,混\n')).toMatchObject({ created: 0, updated: 1 })
    expect((await imports.membersBy(`id = ${id}`))[0]).toMatchObject({ first_name: '混', email: 'Mixed@Example.com' })
  })

  test('overwrites, or skips, when the options say so', async () => {
    const id = await known('51')
    expect(await imports.importFile(about('51'), '?on_existing=skip')).toMatchObject({
      updated: 0,
      skipped: 1,
      plan: { skip: 1 },
    })
    expect((await imports.membersBy(`id = ${id}`))[0]).toMatchObject({ last_name: null })
    expect(await imports.importFile(about('51'), '?on_existing=overwrite')).toMatchObject({ updated: 1, skipped: 0 })
    expect((await imports.membersBy(`id = ${id}`))[0]).toMatchObject({
      ...{ first_name: '新', last_name: '林', accept_marketing: false, notes: 'n' },
      // The same address and number in another notation stay.
      ...{ email: 'k51@example.com', phone: '0955000151' },
    })
    expect(await imports.importFile(about('51'), '?on_existing=overwrite')).toMatchObject({ updated: 0, skipped: 1 })
    // Empty cells overwrite nothing.
    expect(await imports.importFile('phone,last_name\n0955000151,\n', '?on_existing=overwrite')).toMatchObject({
      skipped: 1,
    })
    expect((await imports.membersBy(`id = ${id}`))[0]).toMatchObject({ last_name: '林' })
  })

  test('makes unknown tags only when asked', async () => {
    const file = '名,標籤\n甲標,新標一、新標二\n乙標,新標一\n'
    const { body } = await imports.send(file)
    expect(body.data.rows[0].errors).toEqual([{ field: 'tags', message: 'has unknown tags: 新標一, 新標二' }])
    await call('POST', `${IMPORTS}/${body.data.id}/cancel`)
    expect(await imports.importFile(file, '?create_tags=true')).toMatchObject({ created: 2 })
    expect(
      await world.rows("SELECT name, member_count, source FROM member_tags WHERE name LIKE '新標%' ORDER BY name"),
    ).toEqual([
      { name: '新標一', member_count: 2, source: 'manual' },
      { name: '新標二', member_count: 1, source: 'manual' },
    ])
  })

  test('judges again what the preview decided', async () => {
    const gone = await tag(world, { name: '會消失' })
    const taken = await imports.person({ email: 'again@example.com' })
    const { body } = await imports.send(
      'phone,email,標籤\n0955000060,,\n0955000061,again@example.com,\n0955000062,,會消失\n0955000063,,\n',
    )
    expect(body.data).toMatchObject({ valid: 4, plan: { create: 3, update: 1 } })
    const now = await imports.person({ phone: '0955000060' })
    const other = await imports.person({ phone: '0955000061' })
    await world.rows(`DELETE FROM member_tags WHERE id = ${gone}`)
    await call('POST', `${IMPORTS}/${body.data.id}/commit`)
    await world.drain()
    const { data } = (await call('GET', `${IMPORTS}/${body.data.id}`)).body
    expect(data).toMatchObject({ state: 'done', created: 1, skipped: 1, failed: 2 })
    expect((await imports.rowsOf(body.data.id, 'skipped')).items).toMatchObject([{ line: 2, member_id: now }])
    expect(data.failures).toMatchObject([
      {
        line: 3,
        errors: [
          { field: 'phone', message: `belongs to member ${other}; the row fits several` },
          { field: 'email', message: `belongs to member ${taken}; the row fits several` },
        ],
      },
      { line: 4, errors: [{ field: 'tags', message: 'has unknown tags: 會消失' }] },
    ])
    expect(await imports.membersBy("phone_e164 = '+886955000062'")).toEqual([])
  })

  test('takes back what the export gives, without changing anything', async () => {
    const written = await imports.person({
      last_name: '=歐',
      first_name: '+陽'.repeat(5),
      phone: '+886955000070',
      id_number: 'F123456789',
      notes: '=x',
    })
    await world.rows(`UPDATE members SET last_name = '歐陽 X' WHERE id = ${written}`)
    await sql`UPDATE members SET first_name = ${'🏀'.repeat(50)} WHERE id = ${written}`.execute(world.database.db)
    await world.rows(`UPDATE members SET birthday = '1999-12-31', gender = 'other' WHERE id = ${written}`)
    for (const format of ['csv', 'xlsx']) {
      const { rawPayload } = await world.app.inject({
        url: `/api/v1/members/export?search=0955000070&format=${format}`,
        headers: { authorization: `Bearer ${world.service.token}` },
      })
      const before = await imports.membersBy(`id = ${written}`)
      const done = await imports.importFile(rawPayload, '?on_existing=overwrite')
      expect(done, format).toMatchObject({ total: 1, valid: 1, skipped: 1, failed: 0 })
      expect(await imports.membersBy(`id = ${written}`)).toEqual(before)
    }
  })
})

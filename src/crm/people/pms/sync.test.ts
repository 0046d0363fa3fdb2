import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openPms, type PmsWorld } from '../../../../test/support/crmPms.ts'
import { idNumberIndex } from '../../core/members.ts'

let world: PmsWorld

beforeAll(async () => {
  world = await openPms()
})
afterEach(() => {
  world.pms.most = 1000
})
afterAll(() => world.close())

const post = async (path: string, payload: unknown) => await world.call('POST', path, { as: world.admin, payload })

describe('A synchronisation of members', () => {
  it('answers at once with a task, and says later what became of it', async () => {
    const { status, body } = await post('/api/v1/pms/sync', { sync_type: 'members', force: false })
    expect([status, body.message, body.data.status]).toEqual([200, 'Sync task created', 'pending'])
    expect(await world.syncStatus(body.data.task_id)).toMatchObject({
      status: 'pending',
      synced_count: 0,
      failed_count: 0,
      started_at: null,
      completed_at: null,
    })
    await world.drain()
    expect(await world.syncStatus(body.data.task_id)).toMatchObject({
      task_id: body.data.task_id,
      status: 'completed',
      started_at: '2026-03-02T00:00:00.000Z',
      completed_at: '2026-03-02T00:00:00.000Z',
      error: null,
    })
  })

  it('is refused while one of its type is not finished, naming its task; the other type may run', async () => {
    const task = await world.startSync('members')
    const { status, body } = await post('/api/v1/pms/sync', { sync_type: 'members' })
    expect(status).toBe(409)
    expect(body.errors).toEqual([{ field: 'sync_type', message: expect.stringContaining(task) }])
    await world.startSync('consumption_records')
    await world.drain()
    await world.sync('members')
  })

  it('fills only empty fields of the member with the id number, and keeps the others', async () => {
    const id = await world.newMember({ id_number: 'A123456789', last_name: '王', email: 'own@hotel.example' })
    world.pms.members.push({
      id: 7001,
      id_number: ' ａ123456789 ',
      last_name: '王',
      first_name: '小明',
      gender: '男',
      birthday: '1988-05-20',
      email: 'pms@hotel.example',
      phone: '0911-000-001',
    })
    expect(await world.sync('members')).toMatchObject({ status: 'completed', synced_count: 1, failed_count: 0 })
    expect(await world.memberRow(id)).toMatchObject({
      first_name: '小明',
      last_name: '王',
      gender: 'male',
      birthday: '1988-05-20',
      email: 'own@hotel.example',
      phone: '0911-000-001',
      phone_e164: '+886911000001',
      source: 'crm',
      search: expect.stringContaining('王小明'),
    })
  })

  it('finds a member by phone number in any notation, then by e-mail address in any case', async () => {
    const phone = await world.newMember({ phone: '0911 000 002', first_name: '甲' })
    const mail = await world.newMember({ email: 'Mixed@Hotel.example', first_name: '乙' })
    world.pms.members.push({ id: 7002, phone: '+886-911-000-002', id_number: 'B100000002' })
    world.pms.members.push({ id: 7003, email: 'mIXED@hotel.EXAMPLE', phone: '0911000003' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 2, failed_count: 0 })
    expect(await world.memberRow(phone)).toMatchObject({ id_number_masked: 'B1******02', phone: '0911 000 002' })
    expect((await world.memberRow(phone)).id_number_index).toBe(idNumberIndex(world.kernel, 'b100000002'))
    expect(await world.memberRow(mail)).toMatchObject({ email: 'Mixed@Hotel.example', phone_e164: '+886911000003' })
  })

  it('knows a guest again by their number, whatever else changed', async () => {
    const [known] = await world.rows<{ id: number }>(`SELECT id FROM members WHERE phone_e164 = '+886911000003'`)
    world.pms.members.push({ id: 7003, email: 'new@hotel.example', phone: '0911999999', birthday: '1990-01-02' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1, failed_count: 0 })
    expect(await world.memberRow(known?.id ?? 0)).toMatchObject({
      email: 'Mixed@Hotel.example',
      birthday: '1990-01-02',
    })
  })

  it('does not mix the names of two people', async () => {
    const id = await world.newMember({ phone: '0911000004', last_name: '李' })
    world.pms.members.push({ id: 7004, phone: '0911000004', last_name: '陳', first_name: '大文', gender: 'female' })
    await world.sync('members')
    expect(await world.memberRow(id)).toMatchObject({ last_name: '李', first_name: null, gender: 'female' })
  })

  it('leaves guests whom nobody knows for review, and counts them as failed', async () => {
    world.pms.members.push({
      id: 7005,
      last_name: '無',
      first_name: '名',
      phone: '0911000005',
      id_number: 'C100000005',
    })
    const done = await world.sync('members')
    expect(done).toMatchObject({ synced_count: 0, failed_count: 1 })
    const { items } = await world.reviews('&reason=unmatched')
    expect(items.at(-1)).toMatchObject({
      sync_type: 'members',
      reason: 'unmatched',
      state: 'open',
      guest: { id: '7005', last_name: '無', phone: '0911000005', id_number: 'C1******05' },
      order: null,
      candidates: [],
    })
    expect(await world.syncLines(done.task)).toContain(
      'info: 0 rows synchronised, 1 wait for review, 0 skipped, 0 refused.',
    )
  })

  it('leaves a guest who fits two members, or contradicts one, for review', async () => {
    const byPhone = await world.newMember({ phone: '0911000006', last_name: '林' })
    const byId = await world.newMember({ id_number: 'D100000006', last_name: '黃' })
    const other = await world.newMember({ phone: '0911000007', id_number: 'D100000007', last_name: '周' })
    world.pms.members.push({ id: 7006, phone: '0911000006', id_number: 'D100000006' })
    world.pms.members.push({ id: 7007, phone: '0911000007', id_number: 'D999999999' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 0, failed_count: 2 })
    const ambiguous = (await world.reviews('&reason=ambiguous')).items.at(-1)
    expect(ambiguous.candidates.map(({ id }: { id: number }) => id).sort()).toEqual([byPhone, byId].sort())
    const contradiction = (await world.reviews('&reason=contradiction')).items.at(-1)
    expect(contradiction.candidates).toEqual([
      { id: other, name: '周', phone: '0911000007', email: null, id_number: 'D1******07' },
    ])
    expect(await world.memberRow(byPhone)).toMatchObject({ id_number: null })
  })

  it('judges guests of one page who meet at one member one after the other', async () => {
    const id = await world.newMember({ phone: '0911000008', email: 'eight@hotel.example' })
    world.pms.members.push({ id: 7008, phone: '0911000008', id_number: 'E100000008' })
    world.pms.members.push({ id: 7009, email: 'eight@hotel.example', id_number: 'E100000009' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1, failed_count: 1 })
    expect(await world.memberRow(id)).toMatchObject({ id_number_masked: 'E1******08' })
    expect((await world.reviews('&reason=contradiction')).items.at(-1).guest.id).toBe('7009')
  })

  it('settles what waited once the guest has a member', async () => {
    const before = (await world.reviews()).total
    const id = await world.newMember({ id_number: 'C100000005' })
    world.pms.members.push({ id: 7005, phone: '0911000005', id_number: 'C100000005' })
    const done = await world.sync('members')
    expect(done).toMatchObject({ synced_count: 1, failed_count: 0 })
    expect((await world.reviews()).total).toBe(before - 1)
    const [settled] = (await world.reviews('&state=linked')).items
    expect(settled).toMatchObject({ member_id: id, guest: null, decided_by: null })
    expect(await world.rows(`SELECT record FROM crm_pms_reviews WHERE id = ${settled.id}`)).toEqual([{ record: '' }])
    expect(await world.syncLines(done.task)).toContain('info: 1 records that waited are settled now.')
  })

  it('does not bring a deleted member back', async () => {
    const id = await world.newMember({ phone: '0911000010' })
    world.pms.members.push({ id: 7010, phone: '0911000010' })
    await world.sync('members')
    await world.rows(`UPDATE members SET deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${id}`)
    world.pms.members.push({ id: 7010, phone: '0911000010', first_name: '還在' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 0, failed_count: 0, skipped_count: 1 })
    expect(await world.memberRow(id)).toMatchObject({ first_name: null, phone: null })
    const again = await world.newMember({ phone: '0911000010' })
    world.pms.members.push({ id: 7010, phone: '0911000010', first_name: '回來' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1 })
    expect(await world.memberRow(again)).toMatchObject({ first_name: '回來' })
    expect(await world.rows(`SELECT member_id FROM crm_pms_guests WHERE guest_key = 'guest 7010'`)).toEqual([
      { member_id: again },
    ])
  })

  it('follows a member who was merged into another', async () => {
    const old = await world.newMember({ phone: '0911000011' })
    world.pms.members.push({ id: 7011, phone: '0911000011' })
    await world.sync('members')
    const target = await world.newMember({ email: 'eleven@hotel.example' })
    await world.rows(
      `UPDATE members SET merged_into = ${target}, deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${old}`,
    )
    world.pms.members.push({ id: 7011, phone: '0911000011', gender: 'F' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1 })
    expect(await world.memberRow(target)).toMatchObject({ gender: 'female', phone_e164: '+886911000011' })
    const last = await world.newMember({ email: 'last@hotel.example' })
    await world.rows(
      `UPDATE members SET merged_into = ${last}, deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${target}`,
    )
    world.pms.members.push({ id: 7011, birthday: '1999-09-09' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1 })
    expect(await world.memberRow(last)).toMatchObject({ birthday: '1999-09-09' })
    // A merge lets earlier merges lead to the last member.
    await world.rows(`UPDATE members SET merged_into = ${last} WHERE id = ${old}`)
  })

  it('waits again when a guest who was settled contradicts the member, since then', async () => {
    world.pms.members.push({ id: 7012, phone: '0911000012' })
    await world.sync('members')
    const id = await world.newMember({ phone: '0911000012', id_number: 'H100000012' })
    world.pms.members.push({ id: 7012, phone: '0911000012' })
    await world.sync('members')
    world.clock.advance(1)
    const since = world.clock.now().toISOString()
    const row = { id: 7012, phone: '0911000012', id_number: 'H999999912' }
    world.pms.members.push(row)
    await world.sync('members')
    world.clock.advance(1)
    world.pms.members.push({ ...row, last_name: '再' })
    await world.sync('members')
    const waiting = (await world.reviews('&reason=contradiction')).items.at(-1)
    expect(waiting).toMatchObject({
      state: 'open',
      member_id: null,
      created_at: since,
      guest: { id: '7012', last_name: '再' },
      candidates: [{ id }],
    })
    await world.rows(`UPDATE members SET deleted_at = now() WHERE id = ${id}`)
    expect((await world.reviews('&reason=contradiction')).items.at(-1).candidates).toEqual([])
    await world.rows(`UPDATE members SET deleted_at = NULL WHERE id = ${id}`)
  })

  it('starts anew when the last cursor was that of another adapter', async () => {
    await world.sync('members')
    await world.rows(
      `UPDATE crm_sync_cursors SET cursor = replace(cursor, 'rest:', 'files:') WHERE sync_type = 'members'`,
    )
    world.pms.calls.length = 0
    await world.sync('members')
    expect(world.pms.calls[0]?.cursor).toBeNull()
  })

  it('reads on from the cursor, and everything again with force', async () => {
    world.pms.calls.length = 0
    await world.sync('members')
    expect(world.pms.calls).toEqual([{ path: '/api/members', cursor: String(world.pms.members.length), limit: 200 }])
    const before = (await world.reviews()).total
    world.pms.calls.length = 0
    world.pms.most = 5
    const done = await world.sync('members', true)
    expect(done.status).toBe('completed')
    expect(world.pms.calls.map(({ cursor }) => cursor).slice(0, 3)).toEqual([null, '5', '10'])
    expect(done.synced_count + done.failed_count + done.skipped_count).toBe(world.pms.members.length)
    expect((await world.reviews()).total).toBe(before)
    world.pms.calls.length = 0
    await world.sync('members')
    expect(world.pms.calls.map(({ cursor }) => cursor)).toEqual([String(world.pms.members.length)])
  })
})

describe('Rows that can’t be used', () => {
  it('are refused each by itself, named by place and field and never by value', async () => {
    const good = await world.newMember({ phone: '0911000020' })
    world.pms.members.push(
      ...[null, 'text', [1], 42, {}],
      { id: 7020, birthday: '2026-02-30', gender: 'robot', phone: '0911000020' },
      { id: 7021, id_number: 'F1!', email: 'no address', phone: '12' },
      { id: { $gt: '' }, phone: '0911000020' },
      { id: 7022, first_name: '\u0000', phone: '0911000020' },
      { id: 7023, first_name: 'x'.repeat(51), phone: '0911000020' },
      { id: 7024, first_name: '\ud800', phone: '0911000020' },
      { id: 'x'.repeat(2_000_000), phone: '0911000020' },
      { id: 7025, id_number: 'A12****789' },
      JSON.parse('{"__proto__": {"phone": "0911000020"}, "id": null}'),
      { id: 7026, phone: '0911000020', first_name: '好\u000b人', constructor: 'x', unknown: 'ignored' },
    )
    const done = await world.sync('members')
    expect(done).toMatchObject({ status: 'completed', synced_count: 1, failed_count: 14 })
    expect(await world.memberRow(good)).toMatchObject({ first_name: '好 人' })
    const lines = (await world.syncLines(done.task)).filter((line) => line.startsWith('warning'))
    expect(lines).toHaveLength(14)
    expect(lines[0]).toBe('warning: page 1, row 1 was refused: it must be an object.')
    expect(lines[4]).toBe(
      'warning: page 1, row 5 was refused: it has neither number, id number, phone number nor e-mail address.',
    )
    expect(lines[5]).toBe(
      'warning: page 1, row 6 was refused: gender must be male, female or other; birthday must be a date YYYY-MM-DD.',
    )
    expect(lines.join()).not.toMatch(/0911|F1!|no address|A12/)
  })

  it('are counted in the log when they are too many to be named', async () => {
    world.pms.members.push(...Array.from({ length: 130 }, () => 'junk'))
    const done = await world.sync('members')
    expect(done.failed_count).toBe(130)
    expect(await world.syncLines(done.task)).toHaveLength(100)
    expect(await world.syncLines(done.task, 2)).toEqual([
      'warning: 30 more rows of this page were refused.',
      'info: 0 rows synchronised, 0 wait for review, 0 skipped, 130 refused.',
      'info: Completed.',
    ])
  })
})

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { fromBuffer } from 'yauzl'
import { admin, count, openNewcomers, someone, someoneElse, typesOf, world } from '../../../test/support/newcomers.ts'
import { building, people, room, storedBooking } from '../../../test/support/room.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'
import type { Person } from '../../../test/support/world.ts'

openNewcomers()

/** The files of a zip. */
async function unpack(zip: Buffer): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const archive = await new Promise<import('yauzl').ZipFile>((resolve, reject) =>
    fromBuffer(zip, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened))),
  )
  await new Promise<void>((resolve, reject) => {
    archive.on('entry', (entry: import('yauzl').Entry) => {
      archive.openReadStream(entry, async (error, stream) => {
        if (error) return reject(error)
        files.set(entry.fileName, (await buffer(stream)).toString('utf8'))
        archive.readEntry()
      })
    })
    archive.on('end', () => resolve())
    archive.on('error', reject)
    archive.readEntry()
  })
  return files
}

/** The place in the copy for each column other than `user_id` that names a person. */
const IN_FILES = {
  'tb_facility_booking.applicant_id': 'room_bookings',
  'chat_messages.author_id': 'support_chat_messages',
  'ticket_messages.author_id': 'support_ticket_messages',
  'feedback_messages.author_id': 'support_feedback_messages',
  'files.owner_id': 'files',
}
/** Staff columns of other people's conversations and requests, which belong to those people. */
const WHO_SERVES = [
  'add_slot_audit.applicant_id',
  'chat_sessions.agent_id',
  'crm_conversations.assigned_to',
  'messages.sender_id',
  'tickets.assignee_id',
]

describe('A copy of a person’s data', () => {
  const ask = (as: Person) => world.call('POST', '/api/v1/users/me/data-export', { as })
  const latest = (as: Person) => world.call('GET', '/api/v1/users/me/data-export', { as })
  const fetchCopy = (url: string) => world.app.inject({ method: 'GET', url: url.replace(world.config.publicUrl, '') })

  it('is made in the background, announced, and downloaded by a link without a log-in', async () => {
    const as = await someone({ email: `wanglei${count}@example.com`, phone: '13800138099', display_name: '=王磊' })
    await addSlot(world, await addVenue(world), { hour: 9 }).then((slot) =>
      world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot } }),
    )
    expect((await latest(as)).status).toBe(404)
    await world.call('POST', '/api/v1/feedback', { as, payload: { content: '很好', contact: '138 0013 8099' } })
    expect(await ask(as)).toMatchObject({ status: 202, body: { state: 'queued', download_url: null } })
    expect(await typesOf(as)).toContain('account.data_export_ready')
    const { body } = await latest(as)
    expect(body).toMatchObject({ state: 'ready', expires_at: '2026-03-05T00:00:00.000Z' })

    const { statusCode, headers, rawPayload } = await fetchCopy(body.download_url)
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/zip',
      'cache-control': 'no-store',
      'content-length': String(rawPayload.length),
      'content-disposition': 'attachment; filename="my-data-20260302.zip"',
    })
    const files = await unpack(rawPayload)
    const json = (name: string) => JSON.parse(files.get(`${name}.json`) ?? 'null')
    expect(json('account')).toMatchObject([
      { id: as.id, username: `wanglei${count}`, email: `wanglei${count}@example.com`, phone: '+8613800138099' },
    ])
    expect(json('login_log')).toMatchObject([{ result: 'success', name: `wanglei${count}` }])
    expect(json('user_roles')).toMatchObject([{ role: 'venue:employee' }])
    expect(json('reservations')).toHaveLength(1)
    expect(json('feedback')).toMatchObject([{ content: '很好', contact: '138 0013 8099' }])
    expect(json('venue_visits')).toMatchObject([{ venue: expect.any(String), status: expect.any(String) }])
    expect(json('notification_messages').length).toBeGreaterThan(0)
    expect(json('operation_log')).toEqual(
      expect.arrayContaining([expect.objectContaining({ action: 'user.register', resource_id: String(as.id) })]),
    )
    for (const name of files.keys()) {
      if (name.endsWith('.json')) expect(files.has(name.replace('.json', '.csv')), name).toBe(true)
    }
    expect(files.get('account.csv')).toMatch(/^\uFEFFid,username,/)
    expect(files.get('account.csv')).toContain("'=王磊")
  })

  it('holds the person’s own chats, tickets and feedback, and their words in those of others', async () => {
    const as = await someone()
    const staff = await world.person('venue:support')
    const other = await world.person()
    const post = async (path: string, of: Person, payload: object) => {
      const { status, body } = await world.call('POST', path, { as: of, payload })
      expect(status, JSON.stringify(body)).toBeLessThan(300)
      return body.id
    }
    const chat = await post('/api/v1/support/chat', as, {})
    await post(`/api/v1/support/chat/sessions/${chat}/messages`, as, { content: '我在聊天里写的' })
    const ticket = await post('/api/v1/support/tickets', as, { subject: '灯', description: '灯坏了' })
    await post(`/api/v1/support/tickets/${ticket}/messages`, as, { content: '我在工单里写的' })
    const feedback = await post('/api/v1/feedback', as, { content: '很好' })
    await post(`/api/admin/feedback/${feedback}/reply`, staff, { content: '给我的答复' })
    await post(`/api/v1/feedback/${feedback}/messages`, as, { content: '我在反馈里写的' })
    const foreign = await post('/api/v1/feedback', other, { content: '不错' })
    await post(`/api/v1/feedback/${foreign}/messages`, other, { content: '别人写的' })
    await post(`/api/admin/feedback/${foreign}/reply`, staff, { content: '给别人的答复' })

    const copyOf = async (person: Person) => {
      await ask(person)
      await world.drain()
      return await unpack((await fetchCopy((await latest(person)).body.download_url)).rawPayload)
    }
    const files = await copyOf(as)
    const said = (name: string) =>
      JSON.parse(files.get(`${name}.json`) ?? '[]').map((row: { mine: boolean; content: string }) => [
        row.mine,
        row.content,
      ])
    expect(said('support_chat_messages')).toContainEqual([true, '我在聊天里写的'])
    expect(said('support_ticket_messages')).toEqual([[true, '我在工单里写的']])
    expect(said('support_feedback_messages')).toEqual([
      [false, '给我的答复'],
      [true, '我在反馈里写的'],
    ])
    expect(files.get('support_chat_messages.csv')).toContain('我在聊天里写的')
    const written = (await copyOf(staff)).get('support_feedback_messages.json')
    expect(written).toContain('给别人的答复')
    expect(written).not.toContain('别人写的')
  })

  it('holds the room bookings the person made or took part in, and their outcome', async () => {
    const as = await someone()
    const others = await people(world, 2)
    const roomId = await room(world, { name: '会议室201', buildingId: await building(world, '信息楼') })
    await storedBooking(world, roomId, [as, ...others], { start: 1, end: 2, status: '2', purpose: '自己的' })
    await storedBooking(world, roomId, [...others, as], { start: -3, end: -1, purpose: '参加的' })
    await storedBooking(world, roomId, others, { start: 5, end: 6, purpose: '别人的' })
    await world.rows(`UPDATE tb_facility_booking SET reject_reason = '另有安排' WHERE status = '2'`)
    await ask(as)
    await world.drain()
    const files = await unpack((await fetchCopy((await latest(as)).body.download_url)).rawPayload)
    const place = { building: '信息楼', room: '会议室201' }
    expect(JSON.parse(files.get('room_bookings.json') ?? '[]')).toMatchObject([
      { ...place, purpose: '参加的', applied: false, status: '5', start_time: '2026-03-01T21:00:00.000Z' },
      { ...place, purpose: '自己的', applied: true, status: '2', reject_reason: '另有安排' },
    ])
    expect(files.get('tb_facility_booking_user.csv')).toContain('is_applicant')
  })

  it('covers every column that names a person: it is in a file, or left out for a reason', async () => {
    const as = await someone()
    await ask(as)
    await world.drain()
    const files = await unpack((await fetchCopy((await latest(as)).body.download_url)).rawPayload)
    const columns = await world.rows<{ name: string }>(`
      SELECT DISTINCT c.conrelid::regclass || '.' || a.attname AS name
      FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
      WHERE c.contype = 'f' AND c.confrelid = 'users'::regclass AND c.conparentid = 0
        AND a.attname <> 'user_id'
      ORDER BY 1`)
    const told = Object.keys(IN_FILES)
    // Actions on things that are not about the person are in the operation log of the copy.
    const deeds =
      /\.(?:created_by|create_by|update_by|granted_by|ended_by|handled_by|published_by|cancelled_by|auditor_user_id|banned_by|unbanned_by|marked_by|settled_by|chosen_by|decided_by)$/
    const left = columns.map(({ name }) => name).filter((name) => !deeds.test(name))
    expect(left.toSorted()).toEqual([...told, ...WHO_SERVES].toSorted())
    expect(Object.values(IN_FILES).filter((name) => !files.has(`${name}.json`))).toEqual([])
  })

  it('holds no credentials, and nothing about other people', async () => {
    const other = await someone()
    someoneElse()
    const as = await someone()
    await ask(as)
    await world.drain()
    const files = await unpack((await fetchCopy((await latest(as)).body.download_url)).rawPayload)
    const [stored] = await world.rows<{ password_hash: string }>(`SELECT password_hash FROM users WHERE id = ${as.id}`)
    const all = [...files.values()].join('\n')
    expect(all).not.toContain(stored?.password_hash)
    expect(all).not.toMatch(/password_hash|phone_index|phone_encrypted|_hash"|salt"|token"/)
    for (const [name, text] of files) {
      if (!name.endsWith('.json')) continue
      const ids = JSON.parse(text).map((row: { user_id?: number }) => row.user_id)
      expect(ids.includes(other.id), name).toBe(false)
    }
  })

  it('covers every table that names its person in user_id', async () => {
    const as = await someone()
    await ask(as)
    await world.drain()
    const files = await unpack((await fetchCopy((await latest(as)).body.download_url)).rawPayload)
    const tables = await world.rows<{ name: string }>(`SELECT DISTINCT c.relname AS name FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id' AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
    const missing = tables.map(({ name }) => name).filter((name) => !files.has(`${name}.json`))
    expect(missing.sort()).toEqual(['data_exports', 'idempotency_keys', 'password_resets', 'sign_in_states'])
  })

  it('can be downloaded for three days, and its link opens no other copy', async () => {
    const as = await someone()
    await ask(as)
    await world.drain()
    const url: string = (await latest(as)).body.download_url
    const [token = ''] = url.split('/').slice(-1)
    for (const bad of [`${token}x`, token.replace('.', 'x.'), 'a.b.c.d.e.f.g', '%00%00%00%00%00%00']) {
      expect([400, 404]).toContain((await fetchCopy(url.replace(token, bad))).statusCode)
    }
    const [file] = await world.rows<{ id: number }>(`SELECT file_id AS id FROM data_exports WHERE user_id = ${as.id}`)
    const own = await world.call('GET', `/api/v1/files/${file?.id}`, { as })
    expect([own.status, own.headers['content-type']]).toEqual([200, 'application/zip'])
    const { paths } = (await world.call('GET', '/openapi.json')).body
    expect(paths['/api/v1/files/{id}'].get.responses[200].content).toHaveProperty(['application/zip'])
    expect((await world.call('GET', `/api/v1/files/${file?.id}`, { as: admin })).status).toBe(404)
    expect((await world.call('GET', `/api/v1/files/${file?.id}`)).status).toBe(404)

    world.clock.advance(3 * 24 * 60)
    expect((await fetchCopy(url)).statusCode).toBe(404)
    await world.system.jobs.runNow('kernel.data-exports')
    world.clock.advance(61)
    await world.system.jobs.runNow('kernel.files')
    expect(await world.rows(`SELECT id FROM files WHERE id = ${file?.id}`)).toEqual([])
    expect(await world.rows(`SELECT state, file_id FROM data_exports WHERE user_id = ${as.id}`)).toEqual([
      { state: 'expired', file_id: null },
    ])
  })

  it('is made one at a time, at most three times a day', async () => {
    const as = await someone()
    const both = await Promise.all([ask(as), ask(as)])
    expect(both.map(({ status }) => status)).toEqual([202, 202])
    expect(new Set(both.map(({ body }) => body.id)).size).toBe(1)
    for (let n = 0; n < 2; n += 1) {
      await world.drain()
      expect((await ask(as)).status).toBe(202)
    }
    await world.drain()
    expect(await ask(as)).toMatchObject({ status: 429, body: { code: 'too_many_exports' } })
    expect(await world.rows(`SELECT state FROM data_exports WHERE user_id = ${as.id}`)).toHaveLength(3)
  })

  it('that failed is retried every hour until it succeeds', async () => {
    const as = await world.person()
    const blocked = join(world.config.dataDir, 'tmp')
    await rm(blocked, { recursive: true, force: true })
    await writeFile(blocked, 'in the way')
    await ask(as)
    await world.drain()
    expect((await latest(as)).body.state).toBe('queued')
    await rm(blocked)

    const keep = async (minutes: number) => {
      world.clock.advance(minutes)
      await world.system.jobs.runNow('kernel.data-exports')
      await world.drain()
      return (await latest(as)).body.state
    }
    expect([await keep(59), await keep(1)]).toEqual(['queued', 'ready'])
    expect((await typesOf(as)).filter((type) => type === 'account.data_export_ready')).toHaveLength(1)
  })

  it('that is made twice results in one copy and one message', async () => {
    const as = await someone()
    const { body } = await ask(as)
    await world.drain()
    await world.system.jobs.runNow('kernel.data-export', { id: body.id })
    expect((await typesOf(as)).filter((type) => type === 'account.data_export_ready')).toHaveLength(1)
    expect(await world.rows(`SELECT id FROM files WHERE owner_id = ${as.id}`)).toHaveLength(1)
  })
})

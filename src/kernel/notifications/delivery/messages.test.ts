import { sql } from 'kysely'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { onServer } from '../../../../test/support/database.ts'
import { bookingConfirmed, messageOptions, relayOf } from '../../../../test/support/messages.ts'
import { addUser, openWorld } from '../../../../test/support/world.ts'
import { messageJson, notify, record } from '../../outbox/outbox.ts'
import { compileTemplates } from '../texts/templates.ts'

const world = await openWorld({}, messageOptions())
const lin = await addUser(world, 'lin', 'lin@example.com')
const wang = await addUser(world, 'wang')
afterEach(() =>
  world.rows('TRUNCATE outbox, outbox_failures, delivery_attempts, deliveries, notification_messages RESTART IDENTITY'),
)
afterAll(() => world.close())

const court = { place: '羽毛球馆', time: '09:00', note: '带球拍' }

async function tell(
  userIds: readonly number[],
  more: { type?: string; key?: string; data?: Record<string, unknown> } = {},
) {
  const message = { type: 'booking.confirmed', userIds, data: court, ...more }
  await notify(world.kernel.db, world.clock.now(), message)
}

describe('a message', () => {
  test('is rendered and appears once in the inbox of every recipient', async () => {
    await tell([lin, wang, lin])
    expect(await relayOf(world).drain()).toBe(1)
    expect(
      await world.rows(
        'SELECT user_id, type, subject, body, data, urgent, created_at, read_at FROM notification_messages',
      ),
    ).toEqual(
      [lin, wang].map((user_id) => ({
        user_id,
        type: 'booking.confirmed',
        subject: '预约成功：羽毛球馆',
        body: '您已预约 羽毛球馆，09:00。备注：带球拍',
        data: court,
        urgent: false,
        created_at: world.clock.now(),
        read_at: null,
      })),
    )
    expect(await world.rows('SELECT * FROM outbox')).toEqual([])
  })

  test('exists only if its change was committed', async () => {
    const failed = world.kernel.transaction(async (tx) => {
      await notify(tx, world.clock.now(), { type: 'booking.confirmed', userIds: [lin], data: court })
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await relayOf(world).drain()).toBe(0)
  })

  test('that is produced twice appears once per person', async () => {
    await tell([lin], { key: 'reminder:1' })
    await tell([lin, wang], { key: 'reminder:1' })
    await relayOf(world).drain()
    await tell([wang], { key: 'reminder:1' })
    await relayOf(world).drain()
    expect(await world.rows('SELECT user_id FROM notification_messages ORDER BY id')).toEqual([
      { user_id: lin },
      { user_id: wang },
    ])
  })

  test('keeps the order of the events, also across batches', async () => {
    for (let n = 0; n < 25; n += 1) await tell([lin, wang], { data: { ...court, place: `场地${n}` } })
    expect(await relayOf(world, { batch: 10 }).drain()).toBe(25)
    const subjects = await world.rows<{ subject: string }>(
      `SELECT subject FROM notification_messages WHERE user_id = ${lin} ORDER BY id`,
    )
    expect(subjects.map((row) => row.subject)).toEqual(Array.from({ length: 25 }, (_, n) => `预约成功：场地${n}`))
  })

  test('is sent by mail if its type requires it, and records the reason where it cannot be', async () => {
    await tell([lin, wang])
    await tell([lin], { type: 'booking.quiet' })
    await relayOf(world).drain()
    await tell([lin])
    await relayOf(world, { providers: [] }).drain()
    expect(await world.rows('SELECT message_id, channel, state, reason FROM deliveries ORDER BY id')).toEqual([
      { message_id: 1, channel: 'email', state: 'queued', reason: null },
      { message_id: 2, channel: 'email', state: 'skipped', reason: 'no_address' },
      { message_id: 4, channel: 'email', state: 'skipped', reason: 'not_configured' },
    ])
  })

  test('is not written for a deleted user', async () => {
    const gone = await addUser(world, 'gone', 'gone@example.com')
    await world.rows(`UPDATE users SET status = 'deleted', deleted_at = created_at WHERE id = ${gone}`)
    await tell([gone, 999_999, lin])
    await relayOf(world).drain()
    expect(await world.rows('SELECT user_id FROM notification_messages')).toEqual([{ user_id: lin }])
  })

  test('can be written in a statement of the caller', async () => {
    const json = messageJson({ type: 'booking.quiet', userIds: [lin], data: court })
    await sql`WITH changed AS (SELECT 1)
      INSERT INTO outbox (message, created_at) SELECT ${json}::text::jsonb, ${world.clock.now()} FROM changed`.execute(
      world.kernel.db,
    )
    await relayOf(world).drain()
    expect(await world.rows('SELECT type FROM notification_messages')).toEqual([{ type: 'booking.quiet' }])
  })

  test('is announced with the highest message id', async () => {
    const heard: string[] = []
    const stop = await world.database.listen('messages', (payload) => heard.push(payload))
    await tell([lin, wang])
    await relayOf(world).drain()
    await expect.poll(() => heard).toEqual(['2'])
    await stop()
  })
})

describe('an operation', () => {
  test('reaches the operation log as it was recorded', async () => {
    const operation = {
      actorId: lin,
      action: 'venue.update',
      resource: 'venue',
      resourceId: 3,
      changes: { name: ['a', 'b'] as const },
    }
    await record(world.kernel.db, world.clock.now(), { ...operation, address: '10.0.0.1', requestId: 'r1' })
    await relayOf(world).drain()
    expect(await world.rows('SELECT * FROM operation_log')).toEqual([
      {
        ...{ id: 1, at: world.clock.now(), actor_id: lin, action: 'venue.update', resource: 'venue', resource_id: '3' },
        ...{ changes: { name: ['a', 'b'] }, address: '10.0.0.1', request_id: 'r1' },
      },
    ])
  })
})

describe('an outbox row that cannot be handed on', () => {
  test.each<[string, { type?: string; key?: string; data?: Record<string, unknown>; userIds?: number[] }, string]>([
    ['an unknown type', { type: 'nobody.knows' }, 'unknown notification type "nobody.knows"'],
    ['data without a variable of the template', { data: { place: 'x' } }, 'undefined variable: time'],
    ['an endless key', { key: 'k'.repeat(501) }, 'key is not a text'],
    ['broken ids', { userIds: [1.5] }, 'userIds is not a list of ids'],
  ])('%s is set aside with the reason, and the others go on', async (_, wrong, reason) => {
    await tell([lin])
    await tell(wrong.userIds ?? [lin], wrong)
    await tell([wang])
    expect(await relayOf(world).drain()).toBe(3)
    expect(await world.rows('SELECT user_id FROM notification_messages ORDER BY id')).toEqual([
      { user_id: lin },
      { user_id: wang },
    ])
    expect(await world.rows('SELECT error, failed_at FROM outbox_failures')).toEqual([
      { error: expect.stringContaining(reason), failed_at: world.clock.now() },
    ])
  })

  test('a row that the database refuses is found within its batch', async () => {
    await world.rows("ALTER TABLE notification_messages ADD CONSTRAINT no_gym CHECK (subject NOT LIKE '%禁%')")
    for (const place of ['甲', '乙', '禁', '丙']) await tell([lin], { data: { ...court, place } })
    expect(await relayOf(world).drain()).toBe(4)
    await world.rows('ALTER TABLE notification_messages DROP CONSTRAINT no_gym')
    const subjects = await world.rows<{ subject: string }>('SELECT subject FROM notification_messages ORDER BY id')
    expect(subjects.map((row) => row.subject)).toEqual(['甲', '乙', '丙'].map((place) => `预约成功：${place}`))
    expect(await world.rows('SELECT error FROM outbox_failures')).toEqual([
      { error: expect.stringContaining('no_gym') },
    ])
  })
})

describe('relays', () => {
  test('lose nothing and repeat nothing when one dies between taking and committing', async () => {
    await tell([lin])
    const { kernel } = world
    const dying = relayOf(
      {
        kernel: {
          ...kernel,
          transaction: (work) =>
            kernel.transaction(async (tx) => {
              await work(tx)
              throw new Error('killed')
            }),
        },
      },
      { providers: [] },
    )
    await expect(dying.drain()).rejects.toThrow('killed')
    expect(await world.rows('SELECT * FROM notification_messages')).toEqual([])
    expect(await relayOf(world).drain()).toBe(1)
    expect(await world.rows('SELECT user_id FROM notification_messages')).toEqual([{ user_id: lin }])
  })

  test('find new rows by themselves, at once when woken, and stop after the current batch', async () => {
    const relay = relayOf(world)
    relay.start()
    await tell([lin])
    relay.nudge()
    await expect.poll(() => world.rows('SELECT 1 AS one FROM notification_messages')).toHaveLength(1)
    await tell([lin])
    await expect.poll(() => world.rows('SELECT 1 AS one FROM notification_messages'), { timeout: 3000 }).toHaveLength(2)
    await relay.stop()
    await tell([lin])
    relay.nudge()
    expect(await relayOf(world).drain()).toBe(1)
  })

  test.runIf(onServer)('hand each row on exactly once when four work at the same time as the writers', async () => {
    const relays = Array.from({ length: 4 }, () => relayOf(world, { batch: 7 }))
    for (const relay of relays) relay.start()
    const write = async (writer: number) => {
      for (let n = 0; n < 100; n += 1) {
        await tell([lin, wang], { data: { ...court, place: `${writer}-${n}` } })
        for (const relay of relays) relay.nudge()
      }
    }
    await Promise.all([0, 1, 2, 3].map(write))
    await relayOf(world).drain()
    for (const relay of relays) await relay.stop()
    const subjects = await world.rows<{ subject: string }>(
      `SELECT subject FROM notification_messages WHERE user_id = ${wang} ORDER BY id`,
    )
    expect(subjects).toHaveLength(400)
    expect(new Set(subjects.map((row) => row.subject)).size).toBe(400)
    for (const writer of [0, 1, 2, 3]) {
      const own = subjects.filter((row) => row.subject.startsWith(`预约成功：${writer}-`)).map((row) => row.subject)
      expect(own).toEqual(Array.from({ length: 100 }, (_, n) => `预约成功：${writer}-${n}`))
    }
  })

  test.runIf(onServer)('make messages visible in the order of their ids', async () => {
    const relays = [relayOf(world, { batch: 3 }), relayOf(world, { batch: 3 })]
    for (let n = 0; n < 200; n += 1) await tell([lin])
    const seen = new Set<number>()
    let highest = 0
    let reading = true
    const reader = (async () => {
      while (reading) {
        for (const { id } of await world.rows<{ id: number }>('SELECT id FROM notification_messages')) {
          // A reader that continues after the highest id it saw would miss a lower id that appears later.
          if (!seen.has(id)) expect(id).toBeGreaterThan(highest)
          seen.add(id)
        }
        highest = Math.max(highest, ...seen)
      }
    })()
    await Promise.all(relays.map((relay) => relay.drain()))
    reading = false
    await reader
    expect(await world.rows('SELECT 1 AS one FROM notification_messages')).toHaveLength(200)
  })
})

describe('templates', () => {
  test.each([
    ['an unknown variable', { subject: '{{ plase }}' }, 'booking.confirmed, subject: unknown variable plase'],
    [
      'an unknown variable in a branch not taken',
      { body: '{% if note %}{{ nope }}{% endif %}' },
      'body: unknown variable nope',
    ],
    ['an unknown property', { body: '{{ place.name.first }}' }, 'undefined variable: place.name'],
    ['an unknown filter', { body: '{{ place | shout }}' }, 'undefined filter: shout'],
    ['a tag that is not closed', { body: '{% if note %}' }, 'not closed'],
    ['a file', { body: "{% include '/etc/hostname' %}" }, 'ENOENT'],
  ])('with %s stop the start', (_, wrong, problem) => {
    expect(() => compileTemplates([{ ...bookingConfirmed, ...wrong }])).toThrow(problem)
  })

  test('of the same name can be registered once', () => {
    expect(() => compileTemplates([bookingConfirmed, bookingConfirmed])).toThrow('booking.confirmed: registered twice')
  })

  test('never put half a character or a line break into a subject', async () => {
    const cut = compileTemplates([{ ...bookingConfirmed, subject: '{{ time }}\n{{ place }}' }])
    const type = cut.typeOf('booking.confirmed') ?? bookingConfirmed
    expect(cut.render(type, { ...court, time: '9', place: `${'羽'.repeat(197)}😀` }).subject).toBe(
      `9 ${'羽'.repeat(197)}\ufffd`,
    )
  })
})

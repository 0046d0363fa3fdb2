import { test } from 'vitest'
import { fakeProvider, openMessageWorld } from '../support/messages.ts'
import { notify } from '../../src/kernel/notifications/outbox.ts'
import { sql } from 'kysely'
test('rate', async () => {
  const world = await openMessageWorld()
  const N = 4000
  await sql`INSERT INTO users (username, email, display_name, created_at, updated_at) SELECT 'u'||n, 'u'||n||'@example.com', 'u'||n, now(), now() FROM generate_series(1,${N}::int) n`.execute(world.kernel.db)
  const ids = (await world.rows<{id:number}>('select id from users')).map(r=>r.id)
  await notify(world.kernel.db, world.clock.now(), { type: 'booking.confirmed', userIds: ids, data: { place: 'a', time: 'b', note: '' } })
  await world.relay().drain()
  let n = 0, last = performance.now()
  const provider = fakeProvider(async () => { n++
    if (n % 500 === 0) { const t = performance.now(); console.log(n, ((t - last)/500).toFixed(2), 'ms each'); last = t
     if (n === 1500) { const r = await world.rows<any>(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) SELECT id FROM deliveries WHERE state = 'queued' AND lane = 'email' AND next_try_at <= now() ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`); console.log(r.map(x=>x['QUERY PLAN']).join('\n'))
     const r2 = await world.rows<any>(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)  SELECT q.id, u.email FROM (
    SELECT id, message_id, user_id FROM deliveries
    WHERE state = 'queued' AND lane = 'email' AND next_try_at <= now()
    ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
  ) q
  LEFT JOIN messages m ON m.id = q.message_id
  LEFT JOIN users u ON u.id = q.user_id
  LEFT JOIN user_contacts k ON k.user_id = q.user_id AND k.kind = 'email', deliveries d where d.id = q.id`); console.log(r2.map(x=>x['QUERY PLAN']).join('\n')) } }
    return { providerId: 'x' } })
  await world.courier(provider).drain()
  await world.database.close()
}, 120000)

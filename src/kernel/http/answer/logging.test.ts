import { expect, test, vi } from 'vitest'
import { sample } from '../../../../test/support/sampleServer.ts'
import { route } from '../route.ts'
import { onUnexpected } from './failures.ts'

const get = { method: 'GET', permission: 'public', tag: 'things', summary: 'Get it' } as const

test('answers an internal error with only the request id, logs it and notifies the witnesses', async () => {
  const { app, lines } = await sample()
  const seen: unknown[] = []
  const stop = onUnexpected((error) => seen.push(error))
  route(app, {
    ...get,
    paths: ['/fault'],
    schema: {},
    handler: () => {
      throw new Error('relation "users" does not exist')
    },
  })
  const answer = await app.inject({ url: '/fault' })
  stop()
  expect(answer.json()).toMatchObject({ status: 500, code: 'internal', request_id: answer.headers['x-request-id'] })
  expect(answer.body).not.toContain('relation')
  expect(seen).toHaveLength(1)
  const [line] = lines.map((one) => JSON.parse(one)).filter(({ level }) => level === 50)
  expect(line).toMatchObject({
    request_id: answer.headers['x-request-id'],
    err: { message: 'relation "users" does not exist' },
  })
})

test('never logs a token, a password or a cookie', async () => {
  const { app, lines } = await sample()
  route(app, {
    ...get,
    paths: ['/things'],
    schema: {},
    handler: (request) => {
      request.log.info({ headers: request.headers, body: { password: 'hunter2' }, token: 'hunter2' }, 'seen')
      request.log.info({ req: request }, 'seen')
      return 'ok'
    },
  })
  route(app, { ...get, paths: ['/u/{token}'], schema: {}, handler: () => 'ok' })
  const headers = { authorization: 'Bearer hunter2', cookie: 'sid=hunter2' }
  await app.inject({ url: '/things?page=2&token=hunter2&access_token=hunter2&sig=hunter2#x', headers })
  await app.inject({ url: '/u/hunter2' })
  await app.inject({ url: '/nothing?reset_token=hunter2' })
  const text = lines.join('')
  expect(text).toContain('page=2&token=[hidden]')
  expect(text).not.toContain('hunter2')
})

test('never logs a phone number or an e-mail address of the query, in any spelling', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const queries = [
    'q=13800138123',
    'phone=138%200013-8123',
    '%71=1%338%30013+8123',
    'filter=%2B86+138+0013+8123',
    'filter=8613800138123',
    'filter=%EF%BC%91%EF%BC%93%EF%BC%98%EF%BC%90%EF%BC%90%EF%BC%91%EF%BC%93%EF%BC%98%EF%BC%91%EF%BC%92%EF%BC%93',
    'filter=%2B442071238123',
    'filter=lei%40example.com',
    'filter=lei%2540example.com',
    'name=%E7%8E%8B%E7%A3%8A&username=wanglei8123',
    '13800138123',
    'lei@example.com=1',
    'filter=%zz13800138123',
  ]
  for (const query of queries) await app.inject({ url: `/things?page=3&${query}&sort=-at` })
  await app.inject({ url: '/nothing?q=lei@example.com' })
  const text = lines.join('')
  expect(text).not.toMatch(/example|8123|8%30013|%EF%BC|%E7%8E/)
  expect(text.match(/page=3&[^"]*\[hidden\]&sort=-at/g)).toHaveLength(queries.length)
})

test('logs dates, times, ids and flags of the query unchanged', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const url =
    '/things?start_date=2026-03-03&from=2026-03-03T10:00:00%2B08:00&at=1772500000000&id=13&status=confirmed&flag'
  await app.inject({ url })
  expect(lines.join('')).toContain(`"url":"${url}"`)
})

test('creates the logger of a request only when it is used', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/quiet'], schema: {}, handler: () => 'ok' })
  route(app, {
    ...get,
    paths: ['/loud'],
    schema: {},
    handler(request) {
      request.log.info('first')
      request.log.info('second')
      return 'ok'
    },
  })
  const made = vi.spyOn(app.log, 'child')
  await app.inject({ url: '/quiet' })
  expect(made).toHaveBeenCalledTimes(0)
  const { headers } = await app.inject({ url: '/loud' })
  expect(made).toHaveBeenCalledTimes(1)
  const said = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'first' || msg === 'second')
  expect(said.map(({ request_id: id }) => id)).toEqual([headers['x-request-id'], headers['x-request-id']])
})

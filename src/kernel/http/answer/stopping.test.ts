import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { sample } from '../../../../test/support/sampleServer.ts'
import { registerHealth } from '../health.ts'
import { route } from '../route.ts'
import { closeServer } from '../stop.ts'

afterEach(() => vi.useRealTimers())

const get = { method: 'GET', permission: 'public', tag: 'things', summary: 'Get it' } as const

test('reports that it is alive, and which dependencies do not work', async () => {
  const { app } = await sample()
  vi.useFakeTimers({ toFake: ['performance'] })
  let broken = false
  let asked = 0
  registerHealth(app, [
    { name: 'database', check: async () => {} },
    {
      name: 'jobs',
      check: async () => {
        asked += 1
        if (broken) throw new Error('no worker, password hunter2')
      },
    },
  ])
  const together = await Promise.all([app.inject({ url: '/readyz' }), app.inject({ url: '/readyz' })])
  expect(together.map((answer) => answer.json())).toEqual([{ status: 'ok' }, { status: 'ok' }])
  broken = true
  vi.advanceTimersByTime(999)
  expect((await app.inject({ url: '/readyz' })).statusCode).toBe(200)
  expect(asked).toBe(1)
  vi.advanceTimersByTime(1)
  const answer = await app.inject({ url: '/readyz' })
  expect(answer.json()).toMatchObject({ status: 503, code: 'not_ready', failed: ['jobs'] })
  expect(answer.body).not.toContain('hunter2')
  expect((await app.inject({ url: '/healthz' })).json()).toEqual({ status: 'ok' })
})

test('when stopping, answers running requests, refuses later ones and closes idle connections', async () => {
  const { app } = await sample()
  let finish = () => {}
  let begun = () => {}
  const started = new Promise<void>((resolve) => (begun = resolve))
  route(app, {
    ...get,
    paths: ['/slow'],
    schema: {},
    handler: () => {
      begun()
      return new Promise((resolve) => (finish = () => resolve('done')))
    },
  })
  route(app, { ...get, paths: ['/quick'], schema: {}, handler: () => 'quick' })
  app.get('/ws', { websocket: true, config: { permission: 'public' } }, () => {})
  const url = await app.listen({ port: 0 })
  const closed = new Promise<number>((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    socket.addEventListener('close', ({ code }) => resolve(code))
    socket.addEventListener('open', () => opened())
  })
  let opened = () => {}
  await new Promise<void>((resolve) => (opened = resolve))

  // One connection sent a slow request, another has sent half of a quick one.
  const connection = () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const answer = { text: '', ended: new Promise((resolve) => socket.on('close', resolve)), socket }
    socket.on('data', (chunk) => (answer.text += chunk))
    return answer
  }
  const [slow, quick] = [connection(), connection()]
  quick.socket.write('GET /quick HTTP/1.1\r\nHost: x\r\n')
  slow.socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await started
  const stopping = closeServer(app, 5000)
  await closed
  quick.socket.write('\r\n')
  await quick.ended
  finish()
  await stopping
  await slow.ended
  expect(slow.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*done/i)
  expect(quick.text).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"stopping"/)
  await expect(fetch(`${url}/quick`)).rejects.toThrow()
})

test('when stopping, waits no longer than the grace period', async () => {
  const { app } = await sample()
  let begun = () => {}
  const started = new Promise<void>((resolve) => (begun = resolve))
  route(app, {
    ...get,
    paths: ['/stuck'],
    schema: {},
    handler: () => {
      begun()
      return new Promise(() => {})
    },
  })
  const url = await app.listen({ port: 0 })
  const answer = fetch(`${url}/stuck`).catch(() => 'cut off')
  await started
  await closeServer(app, 50)
  expect(await answer).toBe('cut off')
})

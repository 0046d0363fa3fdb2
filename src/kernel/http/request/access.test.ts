import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { as, sample } from '../../../../test/support/sampleServer.ts'
import { Unavailable } from '../../errors.ts'
import { route, signedIn } from '../route.ts'

async function withThings(options: Parameters<typeof sample>[0] = {}) {
  const app = (await sample(options)).app
  const common = { method: 'POST', tag: 'things', summary: 'Do it' } as const
  const body = Type.Object({ name: Type.String() })
  route(app, { ...common, paths: ['/write'], permission: 'things:write', schema: { body }, handler: () => 'written' })
  route(app, { ...common, paths: ['/mine'], permission: 'signed-in', schema: {}, handler: (r) => signedIn(r).userId })
  route(app, {
    ...common,
    paths: ['/open'],
    permission: 'public',
    schema: {},
    handler: (r) => ({ who: r.actor?.userId ?? null }),
  })
  route(app, {
    ...common,
    paths: ['/password'],
    permission: 'signed-in',
    allowsPasswordChange: true,
    schema: {},
    handler: (request) => signedIn(request).userId,
  })
  await app.ready()
  return app
}

test('checks the log-in before the permission, and both before the body', async () => {
  const app = await withThings()
  const write = (headers: Record<string, string>, payload = '{ broken') =>
    app.inject({ method: 'POST', url: '/write', headers: { 'content-type': 'application/json', ...headers }, payload })

  const nobody = await write({})
  expect(nobody.json()).toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(nobody.headers['www-authenticate']).toBe('Bearer')

  const stale = await write(as('yesterday'))
  expect(stale.json()).toMatchObject({ status: 401, code: 'token_expired' })
  expect(stale.headers['www-authenticate']).toBe('Bearer error="invalid_token"')

  expect((await write(as('plain'))).json()).toMatchObject({ status: 403, code: 'forbidden' })
  expect((await write(as('clerk'))).json()).toMatchObject({ status: 400, code: 'invalid_json' })
  expect((await write(as('clerk'), '{"name":"a"}')).body).toBe('written')
})

test('accepts tokens only from the Authorization header', async () => {
  const app = await withThings()
  expect((await app.inject({ method: 'POST', url: '/mine?access_token=plain' })).statusCode).toBe(401)
  expect((await app.inject({ method: 'POST', url: '/mine', cookies: { token: 'plain' } })).statusCode).toBe(401)
  expect((await app.inject({ method: 'POST', url: '/mine', headers: as('plain') })).body).toBe('1')
})

test('lets everybody use a public route, identifies a good token and ignores a bad one', async () => {
  const app = await withThings()
  const who = async (headers: Record<string, string>) =>
    (await app.inject({ method: 'POST', url: '/open', headers })).json().who
  expect(await who({})).toBeNull()
  expect(await who(as('clerk'))).toBe(2)
  expect(await who(as('yesterday'))).toBeNull()
  expect(await who({ authorization: 'Basic cmVmZXJlbmNlOg==' })).toBeNull()
})

test('allows a user with an expired password only to change it', async () => {
  const app = await withThings()
  const go = (url: string) => app.inject({ method: 'POST', url, headers: as('expired-password') })
  expect((await go('/mine')).json()).toMatchObject({ status: 403, code: 'password_change_required' })
  expect((await go('/write')).json()).toMatchObject({ status: 403, code: 'password_change_required' })
  expect((await go('/open')).json()).toEqual({ who: null })
  expect((await go('/password')).body).toBe('4')
})

test('reports that tokens cannot be checked instead of refusing them', async () => {
  const app = await withThings({
    authenticate: async () => {
      throw new Unavailable('database_unavailable', 'The database cannot be reached.', { retryAfter: 5 })
    },
  })
  const answer = await app.inject({ method: 'POST', url: '/mine', headers: as('plain') })
  expect(answer.json()).toMatchObject({ status: 503, code: 'database_unavailable' })
  expect(answer.headers['retry-after']).toBe('5')
})

test('does not start with a route that declares no permission or an unknown one', async () => {
  const app = (await sample()).app
  app.get('/forgotten', () => 'oops')
  route(app, {
    method: 'GET',
    paths: ['/misspelt'],
    permission: 'things:wriet',
    tag: 'things',
    summary: 'Misspelt',
    schema: {},
    handler: () => 'oops',
  })
  await expect(async () => app.ready()).rejects.toThrow(/GET \/forgotten declares no permission[\s\S]*'things:wriet'/)
})

test('does not start with two routes of the same operationId', async () => {
  const app = (await sample()).app
  const common = {
    method: 'GET',
    permission: 'public',
    tag: 'things',
    summary: 'x',
    schema: {},
    handler: () => 'x',
  } as const
  route(app, { ...common, paths: ['/time-slots'] })
  route(app, { ...common, paths: ['/timeSlots'] })
  await expect(async () => app.ready()).rejects.toThrow(/operationId/)
})

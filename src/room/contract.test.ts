import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../test/support/world.ts'

const world = await openWorld()
afterAll(() => world.close())

describe('The contract of the room product', () => {
  it('answers HTTP 200 with code 401 without a log-in', async () => {
    const { status, body } = await world.call('GET', '/getRouters')
    expect(status).toBe(200)
    expect(body).toEqual({ code: 401, msg: '登录状态已过期，请重新登录' })
  })

  it.each(['', '/prod-api', '/dev-api', '/stage-api'])('answers under the base prefix "%s"', async (prefix) => {
    const as = await world.person('room:user')
    const { body } = await world.call('GET', `${prefix}/getRouters`, { as })
    expect(body).toEqual({ code: 200, msg: '操作成功', data: [] })
  })

  it('answers its own unknown paths and wrong methods in its envelope, and other unknown paths as a problem', async () => {
    expect(await world.call('GET', '/prod-api/nothing')).toMatchObject({ status: 200, body: { code: 404 } })
    expect(await world.call('POST', '/getRouters')).toMatchObject({ status: 200, body: { code: 405 } })
    expect(await world.call('GET', '/api/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('shows every operation once in the API reference, without the prefixes', async () => {
    const { body } = await world.call('GET', '/openapi/room.json')
    expect(Object.keys(body.paths)).toContain('/getRouters')
    expect(Object.keys(body.paths).filter((path) => path.includes('-api/'))).toEqual([])
    expect(body.servers.map(({ url }: { url: string }) => url)).toEqual(['/', '/prod-api', '/dev-api', '/stage-api'])
  })
})

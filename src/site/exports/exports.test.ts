import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { pdfTexts } from '../../../test/support/pdf.ts'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'
import { sourceOf } from '../../kernel/exports/jobs/service.ts'

let world: World
let admin: Person
beforeAll(async () => {
  world = await openWorld()
  await world.rows(`INSERT INTO login_log (name, result, address, user_agent, at)
    SELECT 'n***', 'bad_credentials', '192.0.2.' || n % 2, '火狐',
      '2026-03-01T00:00:00Z'::timestamptz + n * interval '1 second'
    FROM generate_series(1, 6000) n`)
})
beforeEach(async () => {
  admin = await world.person('admin')
})
afterAll(() => world.close())

const ask = (payload: object = { what: 'login_logs', format: 'csv', filters: { address: '192.0.2.1' } }, as = admin) =>
  world.call('POST', '/api/v1/exports', { as, payload })
const read = async (id: number, as = admin) => (await world.call('GET', `/api/v1/exports/${id}`, { as })).body
const fetchFile = (url: string) => world.app.inject({ url: new URL(url).pathname })
const sweep = () => world.system.jobs.runNow('kernel.exports')
const filesOf = (id: number) =>
  world.rows<{ in_use: boolean }>(`SELECT in_use FROM files WHERE subject = 'export:${id}' AND in_use`)

describe('An export in the background', () => {
  it('is queued, made, and downloaded by its link without a log-in', async () => {
    const { status, body } = await ask()
    expect([status, body.state, body.download_url]).toEqual([202, 'queued', null])
    await world.drain()
    const made = await read(body.id)
    expect(made).toMatchObject({ what: 'login_logs', format: 'csv', state: 'done', rows: 3000, estimated_rows: 3000 })
    const { statusCode, headers, body: file } = await fetchFile(made.download_url)
    expect(statusCode).toBe(200)
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(headers['content-disposition']).toContain("filename*=UTF-8''%E7%99%BB%E5%BD%95%E6%97%A5%E5%BF%97.csv")
    expect(file.trimEnd().split('\r\n')).toHaveLength(3001)
    expect(await readdir(join(world.config.dataDir, 'tmp'))).toEqual([])
    const { body: list } = await world.call('GET', '/api/exports', { as: admin })
    expect(list).toMatchObject({ total: 1, items: [{ id: body.id, state: 'done' }] })
  })

  it.each(['xlsx', 'pdf'])('can be made as %s too', async (format) => {
    const { body } = await ask({
      what: 'login_logs',
      format,
      filters: { address: '192.0.2.0', to: '2026-03-01T00:01:00Z' },
    })
    await world.drain()
    const made = await read(body.id)
    expect(made).toMatchObject({ state: 'done', rows: 29 })
    const { rawPayload } = await fetchFile(made.download_url)
    if (format === 'pdf') expect((await pdfTexts(rawPayload)).flat().filter((text) => text === '火狐')).toHaveLength(29)
    else expect(rawPayload.subarray(0, 2).toString()).toBe('PK')
  })

  it('accepts the filters of the list and no others', async () => {
    expect(await ask({ what: 'nothing', format: 'csv' })).toMatchObject({ status: 400, body: { code: 'validation' } })
    expect((await ask({ what: 'logs', format: 'csv', filters: { venue_id: 1 } })).status).toBe(400)
    expect((await ask({ what: 'reservations', format: 'docx' })).status).toBe(400)
    expect((await ask({ what: 'reservations', format: 'csv', filters: { status: 'cancelled' } })).status).toBe(202)
  })

  it('requires the permission to see the list, both when requested and when made', async () => {
    expect((await ask(undefined, await world.person())).status).toBe(403)
    const { body } = await ask()
    await world.rows(`DELETE FROM user_roles WHERE user_id = ${admin.id}`)
    await world.drain()
    const [job] = await world.rows(`SELECT state, reason, file_id FROM export_jobs WHERE id = ${body.id}`)
    expect(job).toEqual({ state: 'failed', reason: 'forbidden', file_id: null })
  })

  it('is visible only to its owner', async () => {
    const { body } = await ask()
    const other = await world.person('admin')
    expect((await world.call('GET', `/api/v1/exports/${body.id}`, { as: other })).status).toBe(404)
    expect((await world.call('DELETE', `/api/v1/exports/${body.id}`, { as: other })).status).toBe(404)
    expect((await world.call('GET', '/api/v1/exports', { as: other })).body.total).toBe(0)
  })

  it('can be downloaded for a day; then the file is removed', async () => {
    const { body } = await ask()
    await world.drain()
    const { download_url: url } = await read(body.id)
    const [file] = await world.rows<{ id: number }>(`SELECT id FROM files WHERE subject = 'export:${body.id}'`)
    expect((await fetchFile(`${url}x`)).statusCode).toBe(404)
    world.clock.advance(24 * 60 - 1)
    expect((await fetchFile(url)).statusCode).toBe(200)
    world.clock.advance(1)
    expect((await fetchFile(url)).statusCode).toBe(404)
    await sweep()
    expect(await read(body.id)).toMatchObject({ state: 'expired', download_url: null })
    world.clock.advance(61)
    await world.system.jobs.runNow('kernel.files')
    expect(await world.rows(`SELECT id FROM files WHERE id = ${file?.id}`)).toEqual([])
    world.clock.advance(31 * 24 * 60)
    await sweep()
    expect(await world.rows(`SELECT id FROM export_jobs WHERE id = ${body.id}`)).toEqual([])
  })

  it('can be cancelled before it is made and deleted after', async () => {
    const { body: waiting } = await ask()
    const cancelled = await world.call('DELETE', `/api/v1/exports/${waiting.id}`, { as: admin })
    expect(cancelled.status).toBe(204)
    const { body: made } = await ask()
    await world.drain()
    const { download_url: url } = await read(made.id)
    await world.call('DELETE', `/api/v1/exports/${made.id}`, { as: admin })
    expect((await fetchFile(url)).statusCode).toBe(404)
    expect(await filesOf(made.id)).toEqual([])
    expect(await world.rows(`SELECT id FROM export_jobs WHERE user_id = ${admin.id}`)).toEqual([])
  })

  it('is made one at a time per person, and at most five wait', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask()))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 202, 202, 202, 429, 429, 429])
    expect(answers.find(({ status }) => status === 429)?.body.code).toBe('too_many_exports')
    await world.rows(`UPDATE export_jobs SET state = 'running', seen_at = '${world.clock.now().toISOString()}'
      WHERE id = (SELECT min(id) FROM export_jobs WHERE user_id = ${admin.id})`)
    await sweep()
    await world.drain()
    const states = () =>
      world.rows<{ state: string }>(`SELECT state FROM export_jobs WHERE user_id = ${admin.id} ORDER BY id`)
    expect((await states()).map(({ state }) => state)).toEqual(['running', 'queued', 'queued', 'queued', 'queued'])
    world.clock.advance(3)
    await sweep()
    await world.drain()
    expect((await states()).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done'])
  })

  it('is restarted when its process was killed; the first run can no longer change it', async () => {
    const { body } = await ask()
    const stuck = `UPDATE export_jobs SET state = 'running', runs = runs + 1, rows = 1000,
      seen_at = '${world.clock.now().toISOString()}' WHERE id = ${body.id}`
    await world.rows(stuck)
    await world.drain()
    expect(await read(body.id)).toMatchObject({ state: 'running', rows: 1000 })
    world.clock.advance(1)
    await sweep()
    expect((await read(body.id)).state).toBe('running')
    world.clock.advance(2)
    await Promise.all([sweep(), sweep(), sweep()])
    await world.drain()
    expect(await read(body.id)).toMatchObject({ state: 'done', rows: 3000 })
    await world.system.jobs.runNow('kernel.export-file', { id: body.id })
    expect(await filesOf(body.id)).toHaveLength(1)
  })

  it('is given up after three killed runs', async () => {
    const { body } = await ask()
    await world.rows(
      `UPDATE export_jobs SET state = 'running', runs = 3,
        seen_at = '${world.clock.now().toISOString()}' WHERE id = ${body.id}`,
    )
    world.clock.advance(3)
    await sweep()
    expect(await read(body.id)).toMatchObject({ state: 'failed', reason: 'interrupted' })
  })

  it('that is cancelled while it runs leaves no file', async () => {
    const { body } = await ask({ what: 'login_logs', format: 'csv' })
    const [reading, may] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const source = sourceOf(world.kernel, 'login_logs')
    const open = source.open.bind(source)
    const held = vi.spyOn(source, 'open').mockImplementation((...asked) => {
      const { rows, ...list } = open(...asked)
      async function* waiting() {
        reading.resolve()
        await may.promise
        yield* rows
      }
      return { ...list, rows: waiting() }
    })
    const running = world.system.jobs.runNow('kernel.export-file', { id: body.id })
    await reading.promise
    expect((await read(body.id)).state).toBe('running')
    expect((await world.call('DELETE', `/api/v1/exports/${body.id}`, { as: admin })).status).toBe(204)
    may.resolve()
    await running
    held.mockRestore()
    expect(await filesOf(body.id)).toEqual([])
    expect((await world.call('GET', `/api/v1/exports/${body.id}`, { as: admin })).status).toBe(404)
  })

  it('is deleted with its owner', async () => {
    const { body } = await ask()
    await world.drain()
    const { download_url: url } = await read(body.id)
    const other = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/users/${admin.id}`, { as: other })).status).toBeLessThan(300)
    expect((await fetchFile(url)).statusCode).toBe(404)
    expect(await filesOf(body.id)).toEqual([])
  })
})

import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ROOT, type RunningServer, startServer } from './server.ts'
import { openShell, type Shell } from './shell.ts'
import { difference, readTour } from './tour.ts'

const page = (path: string) => readFile(`${ROOT}${path}`, 'utf8')

let server: RunningServer | undefined
let shell: Shell | undefined
afterEach(async () => {
  await shell?.close()
  await server?.remove()
  shell = undefined
  server = undefined
})

/** Walks a page as a reader would: its server, its commands, its answers. Then the server stops in order and its data agree. */
async function walk(path: string): Promise<void> {
  const tour = readTour(await page(path))
  server = await startServer(tour.settings)
  const { url: URL, dataDir: DATA_DIR, setupToken: SETUP_TOKEN } = server
  shell = await openShell(ROOT, { ...process.env, URL, DATA_DIR, SETUP_TOKEN })
  for (const { script, expected, line } of tour.steps) {
    const output = await shell.run(script)
    if (expected === undefined) continue
    const wrong = difference(expected, output)
    if (wrong !== null) throw new Error(`${path}:${line}: ${wrong}\n${script}\n${output}`)
  }
  await shell.close()
  expect(await server.stop()).toBe(0)
  expect((await server.command('verify')).split('\n')).toContain('Everything agrees.')
}

describe('the pages that newcomers follow', () => {
  test('the tour of the venue product works as it is written', () => walk('docs/tour-venue.md'), 240_000)

  test('the tour of the room product works as it is written', () => walk('docs/tour-room.md'), 240_000)

  test('the first booking of the README works as it is written', () => walk('README.md'), 120_000)

  test('the Chinese README has the same commands', async () => {
    const commands = async (path: string) => readTour(await page(path))
    expect(await commands('README.zh-CN.md')).toEqual({
      settings: (await commands('README.md')).settings,
      steps: (await commands('README.md')).steps.map((step) => ({ ...step, line: expect.any(Number) })),
    })
  })
})

describe('an answer of a tour', () => {
  test('may leave members out, and values where it says …', () => {
    expect(difference('{"a": 1, "b": "x…"}', '{"a":1,"b":"xyz","c":2}')).toBeNull()
    expect(difference('{"a": [{"id": "…"}, "…"]}', '{"a":[{"id":7},{"id":8}]}')).toBeNull()
    expect(difference('sent to … people', 'sent to 12 people\n')).toBeNull()
  })

  test('is wrong when a value, an entry or a member differs', () => {
    expect(difference('{"a": 1}', '{"a":2}')).toBe('/a is 2, not 1')
    expect(difference('{"a": "…"}', '{}')).toBe('/a is missing')
    expect(difference('[1]', '[1,2]')).toContain('has 2 entries')
    expect(difference('[1, 2, "…"]', '[1]')).toContain('has 1 entries')
    expect(difference('[null]', '[0]')).toBe('/0 is 0, not null')
    expect(difference('{"a": {}}', '{"a":null}')).toBe('/a is null')
    expect(difference('done', 'not done')).toContain('the output is "not done"')
    expect(difference('{}', 'oops')).toContain('not JSON')
  })
})

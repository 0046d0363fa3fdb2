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

/** Runs the commands of a page and checks their output. Then the server must stop in order, and verify must succeed. */
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

describe('The pages for newcomers', () => {
  test('have a tour of the venue product that works as written', () => walk('docs/tour-venue.md'), 240_000)

  test('have a tour of the room product that works as written', () => walk('docs/tour-room.md'), 240_000)

  test('have a tour of the clinic product that works as written', () => walk('docs/tour-clinic.md'), 240_000)

  test('have a first booking in the README that works as written', () => walk('README.md'), 120_000)

  test('have the same commands in both READMEs', async () => {
    const commands = async (path: string) => readTour(await page(path))
    expect(await commands('README.zh-CN.md')).toEqual({
      settings: (await commands('README.md')).settings,
      steps: (await commands('README.md')).steps.map((step) => ({ ...step, line: expect.any(Number) })),
    })
  })
})

describe('The comparison of a tour', () => {
  test('accepts omitted members, and any value for …', () => {
    expect(difference('{"a": 1, "b": "x…"}', '{"a":1,"b":"xyz","c":2}')).toBeNull()
    expect(difference('{"a": [{"id": "…"}, "…"]}', '{"a":[{"id":7},{"id":8}]}')).toBeNull()
    expect(difference('sent to … people', 'sent to 12 people\n')).toBeNull()
  })

  test('reports a value, an entry or a member that differs', () => {
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

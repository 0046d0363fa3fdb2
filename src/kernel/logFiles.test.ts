import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import openLogFiles, { removeOldFiles } from './logFiles.ts'

let folder: string
const put = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, name), 'old\n')
}
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'))
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(2026, 2, 1, 23, 59, 59, 900) })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

test('starts a new file at midnight and removes old files', async () => {
  const stream = openLogFiles({ folder, days: 2 })
  stream.write('on the first\n')
  await once(stream, 'open')
  put('yuyue.2026-02-27.1.log', 'yuyue.2026-02-28.1.log')
  vi.setSystemTime(new Date(2026, 2, 2))
  await once(stream, 'rotated')
  stream.end('on the second\n')
  await once(stream, 'finish')
  expect(readdirSync(folder).sort()).toEqual(['yuyue.2026-03-01.1.log', 'yuyue.2026-03-02.1.log'])
  expect(read('yuyue.2026-03-01.1.log')).toBe('on the first\n')
  expect(read('yuyue.2026-03-02.1.log')).toBe('on the second\n')
})

test('continues the file of the day after a restart', async () => {
  put('yuyue.2026-03-01.1.log')
  const stream = openLogFiles({ folder, days: 2 })
  stream.end('new\n')
  await once(stream, 'finish')
  expect(read('yuyue.2026-03-01.1.log')).toBe('old\nnew\n')
})

test('keeps one file per day within the limit, and never removes foreign files', () => {
  put('yuyue.2025-12-31.1.log', 'yuyue.2026-02-27.1.log', 'yuyue.2026-02-28.1.log', 'yuyue.2026-02-28.2.log')
  put('yuyue.2026-03-01.1.log', 'yuyue.log', 'other.2020-01-01.1.log')
  removeOldFiles(folder, 3)
  expect(readdirSync(folder).sort()).toEqual([
    'other.2020-01-01.1.log',
    'yuyue.2026-02-28.1.log',
    'yuyue.2026-02-28.2.log',
    'yuyue.2026-03-01.1.log',
    'yuyue.log',
  ])
  removeOldFiles(folder, 30)
  expect(readdirSync(folder)).toHaveLength(5)
})

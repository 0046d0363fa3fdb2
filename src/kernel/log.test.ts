import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { ConfigurationError } from '../config/read.ts'
import { loadConfig } from '../config.ts'
import { createLog } from './log.ts'

function capture(env: Record<string, string> = {}) {
  const lines: string[] = []
  const log = createLog(loadConfig({ NODE_ENV: 'production', ...env }), { write: (text) => void lines.push(text) })
  return { log, last: (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}'), lines }
}

test('lines are JSON with level, time and message', () => {
  const { log, last } = capture()
  log.info({ slot: 3 }, 'booked')
  expect(last()).toMatchObject({ level: 'info', msg: 'booked', slot: 3, time: expect.stringMatching(/^\d{4}-.*Z$/) })
})

test('LOG_LEVEL selects the lines that are written', () => {
  const { log, lines } = capture({ LOG_LEVEL: 'warn' })
  log.info('quiet')
  log.warn('loud')
  expect(lines).toHaveLength(1)
})

test('secrets are hidden everywhere, in every spelling', () => {
  const { log, lines } = capture()
  const secrets = {
    password: 'S3',
    new_password: 'S3',
    accessToken: 'S3',
    Authorization: 'S3',
    'set-cookie': 'S3',
    userPhone: 'S3',
    EMAIL: 'S3',
  }
  log.info({ ...secrets, body: secrets, list: [{ deep: { er: secrets } }] }, 'x')
  log.child({ token: 'S3', user: secrets }).info('y')
  log.error(Object.assign(new Error('z'), { headers: secrets, ...secrets }), 'z')
  expect(lines).toHaveLength(3)
  expect(lines.join('')).not.toContain('S3')
})

test('a database error keeps its code and constraint, and loses the values of the row', () => {
  const { log, last, lines } = capture()
  const error = Object.assign(new Error('duplicate key'), {
    code: '23505',
    constraint: 'users_email_key',
    detail: 'Key (email)=(a@b.example)',
  })
  log.error(error)
  expect(last()).toMatchObject({ err: { code: '23505', constraint: 'users_email_key', stack: expect.any(String) } })
  expect(lines.join('')).not.toContain('a@b.example')
})

test('a request is logged without its query and without tokens in its path', () => {
  const { log, last } = capture()
  log.info({ req: { method: 'GET', url: `/t/${'x'.repeat(60)}?token=abc`, ip: '10.0.0.1' } }, 'request')
  expect(last().req).toEqual({ method: 'GET', path: '/t/[hidden]', address: '10.0.0.1' })
})

test('with LOG_DIR, lines also go to a file of the day, and files past their days are removed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  for (const name of ['yuyue.2020-01-01.1.log', 'other.2020-01-01.1.log']) writeFileSync(join(folder, name), 'old')
  const { log } = capture({ LOG_DIR: folder })
  log.info({ password: 'S3' }, 'kept for a while')
  const ours = () => readdirSync(folder).find((name) => /^yuyue\.\d{4}-\d\d-\d\d\.\d+\.log$/.test(name)) ?? 'none'
  await vi.waitFor(() => expect(readFileSync(join(folder, ours()), 'utf8')).toContain('kept for a while'), {
    timeout: 5000,
  })
  expect(readFileSync(join(folder, ours()), 'utf8')).not.toContain('S3')
  expect(existsSync(join(folder, 'yuyue.2020-01-01.1.log'))).toBe(false)
  expect(existsSync(join(folder, 'other.2020-01-01.1.log'))).toBe(true)
  rmSync(folder, { recursive: true, force: true })
})

test('a LOG_DIR that is not a folder stops the start with a clear line', () => {
  expect(() => capture({ LOG_DIR: '/dev/null/logs' })).toThrow(ConfigurationError)
})

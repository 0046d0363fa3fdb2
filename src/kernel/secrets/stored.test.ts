import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../config/read.ts'
import { loadConfig } from '../../config.ts'
import { ensureSecrets } from './stored.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const load = (env: Record<string, string> = {}) => loadConfig({ DATA_DIR: join(folder, 'data'), ...env })
const file = () => join(folder, 'data', 'secrets.json')

describe('secrets that are not configured', () => {
  test('are created once and then read', () => {
    const made = ensureSecrets(load())
    expect(made.secretKey.length).toBeGreaterThanOrEqual(32)
    expect(made.fieldKeys[0].key).toHaveLength(32)
    const again = ensureSecrets(load())
    expect(again.secretKey).toBe(made.secretKey)
    expect(again.fieldKeys).toEqual(made.fieldKeys)
  })

  test('are readable only by their owner, even if the file’s permissions were widened', () => {
    ensureSecrets(load())
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    chmodSync(file(), 0o644)
    ensureSecrets(load())
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(folder, 'data'))).toEqual(['secrets.json'])
  })

  test('are overridden by a variable that is set', () => {
    const secretKey = 'x'.repeat(40)
    const config = ensureSecrets(load({ SECRET_KEY: secretKey }))
    expect(config.secretKey).toBe(secretKey)
    expect(readFileSync(file(), 'utf8')).not.toContain(secretKey)
  })

  test('are the same for processes that start at the same moment', async () => {
    const script = `
      import { loadConfig } from ${JSON.stringify(new URL('../../config.ts', import.meta.url).href)}
      import { ensureSecrets } from ${JSON.stringify(new URL('./stored.ts', import.meta.url).href)}
      console.log(ensureSecrets(loadConfig({ DATA_DIR: ${JSON.stringify(join(folder, 'data'))} })).secretKey)`
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script])
    const printed = await Promise.all(Array.from({ length: 6 }, run))
    expect(new Set(printed.map(({ stdout }) => stdout)).size).toBe(1)
    expect(readdirSync(join(folder, 'data'))).toEqual(['secrets.json'])
  }, 30_000)
})

test('nothing is written when everything is configured', () => {
  ensureSecrets(load({ SECRET_KEY: 'x'.repeat(40), FIELD_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` }))
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  '',
  '{"SECRET_KEY":',
  '[]',
  '{"SECRET_KEY":"short","FIELD_KEYS":"k1:x"}',
  '{"SECRET_KEY":1,"FIELD_KEYS":2}',
])('a damaged file stops the start and is left alone: %j', (content) => {
  ensureSecrets(load())
  writeFileSync(file(), content)
  expect(() => ensureSecrets(load())).toThrow(ConfigurationError)
  expect(readFileSync(file(), 'utf8')).toBe(content)
})

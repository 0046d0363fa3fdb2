import { describe, expect, test } from 'vitest'
import { ConfigurationError } from './config/read.ts'
import { loadConfig, variables } from './config.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const server = {
  DATABASE_URL: 'postgres://yuyue:hunter2@db/yuyue',
  SECRET_KEY: 's'.repeat(32),
  FIELD_KEYS: `k1:${KEY}`,
}

function problems(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

describe('an empty environment', () => {
  test('runs on one machine without other services', () => {
    expect(loadConfig({})).toMatchObject({
      nodeEnv: 'development',
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://127.0.0.1:3000',
      dataDir: './data',
      databaseUrl: undefined,
      products: ['venue', 'room', 'clinic'],
      timeZone: 'Asia/Shanghai',
      clock: 'system',
      rateLimit: true,
      trustProxy: false,
      warnings: [],
    })
  })

  test('is the same as with empty variables', () => {
    expect(loadConfig({ PORT: '', SMTP_URL: '  ' })).toEqual(loadConfig({}))
  })
})

describe('values', () => {
  test('are read into their types', () => {
    const config = loadConfig({
      ...server,
      PORT: '0',
      RATE_LIMIT: 'off',
      TRUST_PROXY: '10.0.0.0/8, loopback',
      CORS_ORIGINS: 'https://a.example, http://b.example:8080',
      PUBLIC_URL: 'https://gym.example.com/',
      FIELD_KEYS: `new:${KEY},old:${Buffer.alloc(32, 1).toString('base64')}`,
    })
    expect(config).toMatchObject({
      port: 0,
      rateLimit: false,
      trustProxy: ['10.0.0.0/8', 'loopback'],
      corsOrigins: ['https://a.example', 'http://b.example:8080'],
      publicUrl: 'https://gym.example.com',
    })
    expect(config.fieldKeys?.map(({ id, key }) => [id, key.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ])
  })

  test.each([
    ['0.0.0.0', 'http://localhost:3000'],
    ['::', 'http://localhost:3000'],
    ['::1', 'http://[::1]:3000'],
  ])('the public address of HOST=%s is one that a browser can open', (HOST, publicUrl) => {
    expect(loadConfig({ HOST }).publicUrl).toBe(publicUrl)
  })

  test.each([
    ['on', true],
    ['2', 2],
    ['off', false],
    ['fd00::/8', ['fd00::/8']],
  ])('TRUST_PROXY=%s', (TRUST_PROXY, expected) => {
    expect(loadConfig({ TRUST_PROXY }).trustProxy).toEqual(expected)
  })
})

describe('a wrong environment', () => {
  test('is refused with every problem at once, one line each', () => {
    const env = {
      PORT: '70000',
      TIME_ZONE: 'Mars/Base',
      PRODUCTS: 'venue,gym',
      CLOCK: 'manual',
      NODE_ENV: 'production',
    }
    expect(problems(env)).toEqual([
      'PRODUCTS: given "venue,gym"; allowed: a comma-separated list of: venue, room, clinic, crm',
      'TIME_ZONE: given "Mars/Base"; allowed: a zone of the IANA database such as Asia/Shanghai, or UTC',
      'PORT: given "70000"; allowed: a whole number from 0 to 65535',
      'CLOCK: given "manual"; allowed: system, because NODE_ENV is production',
    ])
    expect(() => loadConfig(env)).toThrow(
      /^The configuration is wrong:\n {2}PRODUCTS: .*\n {2}TIME_ZONE: .*\n {2}PORT: .*\n {2}CLOCK: .*$/,
    )
  })

  test.each([
    ['PORT', '3.5'],
    ['PORT', '1e3'],
    ['PORT', '-1'],
    ['PORT', '0x10'],
    ['NODE_ENV', 'prod'],
    ['DATABASE_POOL_SIZE', '0'],
    ['TIME_ZONE', '+08:00'],
    ['TIME_ZONE', 'CST'],
    ['REDIS_URL', 'http://redis'],
    ['PUBLIC_URL', 'booking.example.com'],
    ['PUBLIC_URL', 'https://example.com/?a=1'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['CORS_ORIGINS', '*, https://a.example'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', 'nginx'],
    ['RATE_LIMIT', 'maybe'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'A <a@b.example>\nBcc: c@d.example'],
    ['PRODUCTS', ','],
    ['LOG_LEVEL', 'loud'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringMatching(`^${name}: given ".*"; allowed: .`)])
  })

  test.each([
    ['SECRET_KEY', 'too-short-topsecret'],
    ['FIELD_KEYS', 'k1:topsecret'],
    ['FIELD_KEYS', `k1:${KEY},k1:${KEY}`],
    ['FIELD_KEYS', KEY],
    ['DATABASE_URL', 'mysql://root:topsecret@db/x?password=topsecret'],
    ['DATABASE_URL', 'root:topsecret@db/x'],
    ['DATABASE_URL', 'mysql://root:top@secret:topsecret@db/x'],
    ['SMTP_URL', 'http://me:topsecret@mail'],
  ])('%s is refused without showing the secret in it', (name, value) => {
    const lines = problems({ ...server, MAIL_FROM: 'a@b.example', [name]: value })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`${name}: given `)
    expect(lines[0]).not.toMatch(/topsecret|hunter2/)
    expect(lines[0]).not.toContain(KEY)
  })

  test('addresses are refused without the password and the query in them, whatever they are for', () => {
    const names = variables
      .filter(({ kind }) => kind.allowed.includes('http') || kind.allowed.includes('://'))
      .map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['S3_ENDPOINT', 'SUPPORT_LLM_URL', 'AUTH_REDIRECT_URL', 'CORS_ORIGINS']),
    )
    for (const name of names) {
      const lines = problems({ [name]: 'nntp://me:topsecret@host/{provider}?key=topsecret#topsecret' })
      expect(lines.join('\n')).toContain(`${name}: given `)
      expect(lines.join('\n')).not.toContain('topsecret')
    }
    expect(problems({ S3_ENDPOINT: `https://${'me:topsecret'}@s3.example.com` })).toContainEqual(
      expect.stringContaining('S3_ENDPOINT: given "https://***@s3.example.com"; allowed: '),
    )
  })

  test('on a server, missing keys are named together with a way to make them', () => {
    const lines = problems({ DATABASE_URL: 'postgres:///yuyue' })
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^SECRET_KEY: not set; .*openssl rand -base64 48.*node -p/)
    expect(lines[1]).toMatch(/^FIELD_KEYS: not set; .*openssl rand -base64 32.*node -p/)
  })

  test.each([
    [{ ADMIN_USERNAME: 'root' }, /^ADMIN_PASSWORD: not set/],
    [{ ADMIN_PASSWORD: 'correct horse' }, /^ADMIN_USERNAME: not set/],
    [{ ADMIN_EMAIL: 'a@b.example' }, /^ADMIN_USERNAME: not set/],
    [{ DATABASE_READ_URL: 'postgres://replica/x' }, /^DATABASE_URL: not set/],
    [{ SMTP_URL: 'smtp://mail' }, /^MAIL_FROM: not set/],
  ])('what belongs together is asked for: %o', (env, line) => {
    expect(problems(env)).toEqual([expect.stringMatching(line)])
  })
})

test.each(['RATE_LIMITS', 'SECERT_KEY', 'DATABASE_ULR', 'time_zone', 'LOG_DIRS', 'SMTPURL'])(
  '%s is reported as misspelt',
  (name) => {
    expect(loadConfig({ [name]: 'x' }).warnings).toEqual([expect.stringContaining(name)])
  },
)

test('names of other programs are left alone', () => {
  const env = {
    PATH: '/bin',
    HOSTNAME: 'x',
    LOGNAME: 'x',
    HOME: '/root',
    npm_config_port: '1',
    TEST_DATABASE_URL: 'postgres://x',
    PORTS: '1',
  }
  expect(loadConfig(env).warnings).toEqual([])
})

import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../config/read.ts'
import { loadConfig } from '../../../../config.ts'
import type { Config } from '../../../settings.ts'
import { createThirdParties, redirectUriOf } from './providers.ts'

const configured = (env: Record<string, string>): Config => ({
  ...loadConfig({ NODE_ENV: 'test', ...env }),
  secretKey: 'k'.repeat(48),
  fieldKeys: [{ id: 'k1', key: Buffer.alloc(32) }],
})
const namesOf = (env: Record<string, string>) => createThirdParties(configured(env)).map(({ name }) => name)
const sso = { name: 'sso', issuer: 'https://sso.example.com', client_id: 'yuyue' }

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
}

describe('Third parties', () => {
  it('are the configured ones', () => {
    expect(namesOf({})).toEqual([])
    expect(namesOf({ WECHAT_APP_ID: 'a', WECHAT_APP_SECRET: 'b' })).toEqual(['wechat'])
    const weCom = { WECOM_CORP_ID: 'a', WECOM_AGENT_ID: '1', WECOM_SECRET: 'b' }
    expect(namesOf(weCom)).toEqual([])
    expect(namesOf({ ...weCom, WECOM_LOGIN: 'on' })).toEqual(['wecom'])
    expect(namesOf({ OIDC_PROVIDERS: JSON.stringify([sso, { ...sso, name: 'other' }]) })).toEqual(['sso', 'other'])
  })

  it('redirect to PUBLIC_URL, or to a page of the application', () => {
    const PUBLIC_URL = 'https://booking.example.com/'
    expect(redirectUriOf(configured({ PUBLIC_URL }), 'sso')).toBe(
      'https://booking.example.com/api/v1/auth/sso/callback',
    )
    const page = { AUTH_REDIRECT_URL: 'https://app.example.com/sign-in/{provider}?from=yuyue' }
    expect(redirectUriOf(configured(page), 'sso')).toBe('https://app.example.com/sign-in/sso?from=yuyue')
  })

  it.each([
    ['no list', 'sso'],
    ['an object', JSON.stringify(sso)],
    ['a name with a slash', JSON.stringify([{ ...sso, name: 'a/b' }])],
    ['a name of ours', JSON.stringify([{ ...sso, name: 'wechat' }])],
    ['a name twice', JSON.stringify([sso, sso])],
    ['no issuer', JSON.stringify([{ name: 'sso', client_id: 'a' }])],
    ['an issuer that is no address', JSON.stringify([{ ...sso, issuer: 'sso.example.com' }])],
    ['a scope without openid', JSON.stringify([{ ...sso, scope: 'email' }])],
    ['an unknown field', JSON.stringify([{ ...sso, secret: 'a' }])],
  ])('with %s stop the start, and no secret is shown', (_what, OIDC_PROVIDERS) => {
    const [problem, ...others] = problemsOf({ OIDC_PROVIDERS })
    expect(others).toEqual([])
    expect(problem).toMatch(/^OIDC_PROVIDERS: given \d+ characters \(not shown\); allowed: a JSON list/)
  })

  it('require all settings that belong together', () => {
    expect(problemsOf({ WECHAT_APP_ID: 'a' })).toEqual([
      'WECHAT_APP_SECRET: not set; needed because WECHAT_APP_ID is set',
    ])
    expect(problemsOf({ S3_BUCKET: 'a' })).toHaveLength(2)
    expect(problemsOf({ AUTH_REDIRECT_URL: 'https://app.example.com/sign-in' })).toHaveLength(1)
  })
})

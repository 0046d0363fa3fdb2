import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openFakeWeChatPay } from '../../test/support/fakes/weChatPay.ts'
import { ConfigurationError } from '../config/read.ts'
import { loadConfig } from '../config.ts'
import { clinicSettings } from './settings.ts'

const weChat = await openFakeWeChatPay()
afterAll(() => weChat.close())

const problemsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    loadConfig({ NODE_ENV: 'test', ...env })
    return []
  } catch (error) {
    return error instanceof ConfigurationError ? error.problems : [String(error)]
  }
}

describe('The settings of WeChat Pay', () => {
  it('are needed all with CLINIC_PAYMENT=wechat, and none without', () => {
    const needed = Object.keys(weChat.env).filter((name) => name.startsWith('WECHATPAY_') && name !== 'WECHATPAY_URL')
    expect(problemsOf({ CLINIC_PAYMENT: 'wechat' }).map((line) => line.split(':')[0])).toEqual(needed)
    expect(problemsOf({ CLINIC_PAYMENT: 'desk' })).toEqual([])
    expect(problemsOf(weChat.env)).toEqual([])
  })

  it('are refused if they are wrong, all at once, without showing secrets', () => {
    const wrong = {
      WECHATPAY_MERCHANT_ID: 'x',
      WECHATPAY_MERCHANT_SERIAL: 'xyz',
      WECHATPAY_PRIVATE_KEY: weChat.env.WECHATPAY_PUBLIC_KEY,
      WECHATPAY_API_V3_KEY: 'too-short-a-key',
      WECHATPAY_PUBLIC_KEY: '/nowhere/pub_key.pem',
      WECHATPAY_PUBLIC_KEY_ID: '5157F09E',
      WECHATPAY_URL: 'ftp://example.com',
    }
    const problems = problemsOf({ ...weChat.env, ...wrong })
    expect(problems.map((line) => line.split(':')[0])).toEqual(Object.keys(wrong))
    expect(problems.join()).not.toContain('too-short')
    expect(problems.join()).not.toContain('BEGIN')
  })

  it('take a key as one line, or as the path of its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'yuyue-keys-'))
    const file = join(folder, 'apiclient_key.pem')
    writeFileSync(file, weChat.env.WECHATPAY_PRIVATE_KEY)
    const oneLine = weChat.env.WECHATPAY_PUBLIC_KEY.trim().replaceAll('\n', '\\n')
    const env = { ...weChat.env, WECHATPAY_PRIVATE_KEY: file, WECHATPAY_PUBLIC_KEY: oneLine }
    const { wechatPayPrivateKey, wechatPayPublicKey } = clinicSettings.of(loadConfig({ NODE_ENV: 'test', ...env }))
    expect([wechatPayPrivateKey?.type, wechatPayPublicKey?.type]).toEqual(['private', 'public'])
    rmSync(folder, { recursive: true })
  })
})

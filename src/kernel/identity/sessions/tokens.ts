import { hkdfSync } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import type { Config } from '../../../config.ts'
import { Unauthenticated } from '../../errors.ts'

/** What an access token says: which session it stands for, until when (whole seconds). Everything else is asked of the session. */
export interface TokenClaims {
  readonly sessionId: string
  readonly userId: number
  readonly expiresAt: Date
}

export interface AccessTokens {
  /** A JWT for a session. */
  sign(claims: TokenClaims, issuedAt: Date): string
  /**
   * What a token says, when it was made by us and is not over.
   * @throws Unauthenticated `unauthenticated` otherwise.
   */
  verify(token: string, now: Date): TokenClaims
}

const ISSUER = 'yuyue'
const AUDIENCE = 'yuyue'
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The access tokens of a configuration: HS256 and nothing else, with a key derived from SECRET_KEY for this one use. */
export function accessTokens({ secretKey }: Pick<Config, 'secretKey'>): AccessTokens {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'yuyue access tokens', 32))
  const encode = createSigner<Record<string, unknown>>({ algorithm: 'HS256', key, iss: ISSUER, aud: AUDIENCE })
  const decode = createVerifier<string>({
    algorithms: ['HS256'],
    key,
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    requiredClaims: ['iss', 'aud', 'sub', 'jti', 'iat', 'exp'],
    // Judged below: the library knows the machine's time only.
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })

  return {
    sign({ sessionId, userId, expiresAt }, issuedAt) {
      return encode({
        jti: sessionId,
        sub: String(userId),
        iat: Math.floor(issuedAt.getTime() / 1000),
        exp: Math.floor(expiresAt.getTime() / 1000),
      })
    },

    verify(token, now) {
      const claims = readClaims(decodeOrRefuse(token))
      if (claims.expiresAt <= now) throw expired()
      return claims
    },
  }

  function decodeOrRefuse(token: string): unknown {
    try {
      return decode(token)
    } catch {
      throw notGood()
    }
  }
}

function readClaims(payload: unknown): TokenClaims {
  if (typeof payload !== 'object' || payload === null || !('jti' in payload && 'sub' in payload && 'exp' in payload))
    throw notGood()
  const { jti, sub, exp } = payload
  const userId = typeof sub === 'string' ? Number(sub) : Number.NaN
  if (typeof jti !== 'string' || !uuid.test(jti) || !Number.isSafeInteger(userId) || typeof exp !== 'number')
    throw notGood()
  return { sessionId: jti, userId, expiresAt: new Date(exp * 1000) }
}

/** The token is not one of ours, or its session has ended. */
export function notGood(): Unauthenticated {
  return new Unauthenticated('unauthenticated', 'The access token is not valid. Sign in again.')
}

/** The token was good once. */
export function expired(): Unauthenticated {
  return new Unauthenticated('unauthenticated', 'The access token has expired. Sign in again.', {
    facts: { expired: true },
  })
}

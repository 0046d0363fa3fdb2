import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { type JWTPayload, jwtVerify } from 'jose'
import { JWTExpired } from 'jose/errors'
import { Unauthenticated } from '../../errors.ts'
import type { Config } from '../../settings.ts'

/**
 * Contents of an access token: its session and its expiry (whole seconds). Everything else is read from the session.
 */
export interface TokenClaims {
  readonly sessionId: string
  readonly userId: number
  readonly expiresAt: Date
}

export interface AccessTokens {
  /** Makes a JWT for a session. It is synchronous, so it may be called inside a transaction. */
  sign(claims: TokenClaims, issuedAt: Date): string
  /**
   * The claims of a token that we made and that has not expired.
   * @throws Unauthenticated `unauthenticated` otherwise.
   */
  verify(token: string, now: Date): Promise<TokenClaims>
}

const ISSUER = 'yuyue'
const AUDIENCE = 'yuyue'
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const HEADER = encode({ alg: 'HS256', typ: 'JWT' })

/** Access tokens of a configuration: HS256 only, with a key derived from SECRET_KEY for this one use. */
export function accessTokens({ secretKey }: Pick<Config, 'secretKey'>): AccessTokens {
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secretKey, '', 'yuyue access tokens', 32)))
  const rules = {
    algorithms: ['HS256'],
    issuer: ISSUER,
    audience: AUDIENCE,
    requiredClaims: ['iss', 'aud', 'sub', 'jti', 'iat', 'exp'],
  }

  return {
    sign({ sessionId, userId, expiresAt }, issuedAt) {
      const claims = encode({
        jti: sessionId,
        sub: String(userId),
        iss: ISSUER,
        aud: AUDIENCE,
        iat: Math.floor(issuedAt.getTime() / 1000),
        exp: Math.floor(expiresAt.getTime() / 1000),
      })
      const signature = createHmac('sha256', key).update(`${HEADER}.${claims}`).digest('base64url')
      return `${HEADER}.${claims}.${signature}`
    },

    async verify(token, now) {
      try {
        const { payload } = await jwtVerify(token, key, { ...rules, currentDate: now })
        return readClaims(payload)
      } catch (error) {
        if (!(error instanceof JWTExpired)) throw notGood()
        readClaims(error.payload)
        throw expired()
      }
    },
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function readClaims({ jti, sub, exp }: JWTPayload): TokenClaims {
  const userId = typeof sub === 'string' ? Number(sub) : Number.NaN
  if (typeof jti !== 'string' || !uuid.test(jti) || !Number.isSafeInteger(userId) || typeof exp !== 'number')
    throw notGood()
  return { sessionId: jti, userId, expiresAt: new Date(exp * 1000) }
}

/** The error for a token that is not one of ours, or whose session has ended. */
export function notGood(): Unauthenticated {
  return new Unauthenticated('unauthenticated', 'The access token is not valid. Sign in again.')
}

/** The error for a token that has expired. */
export function expired(): Unauthenticated {
  return new Unauthenticated('unauthenticated', 'The access token has expired. Sign in again.', {
    facts: { expired: true },
  })
}

import type { Configuration } from 'openid-client'
import type { OidcProvider } from '../../../../config.ts'
import { late } from '../../../late.ts'
import { refused, type ThirdParty, text, unavailable } from './provider.ts'

const openidClient = late<typeof import('openid-client')>('openid-client')

const TIMEOUT_SECONDS = 10
/** After which the provider's keys and addresses are looked up anew. */
const KNOWN_MS = 3_600_000

/**
 * Logging in by any OpenID Connect provider: authorization code with PKCE, state and nonce; the id_token's signature, issuer, audience
 * and times are checked (by openid-client, against the machine's clock, as the provider's is another machine's).
 */
export function openIdConnect(options: OidcProvider): ThirdParty {
  const { name, title, issuer, clientId, clientSecret, scope } = options
  let known: { readonly configuration: Configuration; readonly at: number } | undefined

  const discover = async (): Promise<Configuration> => {
    if (known && performance.now() - known.at < KNOWN_MS) return known.configuration
    const client = openidClient()
    const server = new URL(issuer)
    try {
      const configuration = await client.discovery(server, clientId, clientSecret, undefined, {
        timeout: TIMEOUT_SECONDS,
        // http: for tests and closed networks; with https nothing insecure is ever followed.
        execute: [
          // Also of an id_token that came straight from the token endpoint, where the protocol leaves it to TLS.
          client.enableNonRepudiationChecks,
          ...(server.protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      })
      known = { configuration, at: performance.now() }
      return configuration
    } catch (error) {
      throw unavailable(title, error)
    }
  }

  return {
    name,
    title,
    async authorizeUrl({ state, nonce, verifier, redirectUri }) {
      const client = openidClient()
      const url = client.buildAuthorizationUrl(await discover(), {
        redirect_uri: redirectUri,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return url.href
    },
    async identify({ state, nonce, verifier, redirectUri }, answer) {
      const configuration = await discover()
      const came = new URL(redirectUri)
      for (const [field, value] of Object.entries(answer)) came.searchParams.set(field, value)
      try {
        const tokens = await openidClient().authorizationCodeGrant(configuration, came, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims) throw new Error('no id_token')
        const email = claims.email_verified === true ? text(claims.email) : null
        const displayName = text(claims.name) ?? text(claims.preferred_username)
        return { subject: claims.sub, displayName, email }
      } catch (error) {
        throw outage(error) ? unavailable(title, error) : refused(title, error)
      }
    },
  }
}

/** True when the provider could not be asked; anything else is a no. */
function outage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? cause.code : ''
    if (cause instanceof openidClient().ResponseBodyError) return cause.status >= 500
    if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT' || cause.message === 'fetch failed') return true
    if (cause.cause instanceof Response) return cause.cause.status >= 500
  }
  return false
}

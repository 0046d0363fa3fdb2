import type { Configuration } from 'openid-client'
import type { OidcProvider } from '../../../../config/kinds.ts'
import { late } from '../../../late.ts'
import { refused, type ThirdParty, text, unavailable } from './provider.ts'

const openidClient = late<typeof import('openid-client')>('openid-client')

const TIMEOUT_SECONDS = 10
/** Milliseconds after which the provider's keys and endpoints are looked up again. */
const KNOWN_MS = 3_600_000

/**
 * Log-in by any OpenID Connect provider: authorization code with PKCE, state and nonce. The signature, issuer, audience
 * and times of the id_token are checked by openid-client. It uses the machine's clock, because the times come from
 * another machine.
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
        // http: is for tests and closed networks. With an https issuer, insecure addresses are never used.
        execute: [
          // Check the signature even of an id_token that came straight from the token endpoint.
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

/** True if the provider could not be asked; any other error is a refusal. */
function outage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? cause.code : ''
    if (cause instanceof openidClient().ResponseBodyError) return cause.status >= 500
    if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT' || cause.message === 'fetch failed') return true
    if (cause.cause instanceof Response) return cause.cause.status >= 500
  }
  return false
}

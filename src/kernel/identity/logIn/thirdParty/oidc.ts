import type { ClientAuth, Configuration } from 'openid-client'
import type { OidcProvider } from '../../../../config/kinds.ts'
import { late } from '../../../late.ts'
import { emailIn, refused, type ThirdParty, type ThirdPartyPerson, text, unavailable } from './provider.ts'

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
  const { name, title, issuer, clientId, scope } = options
  let known: { readonly configuration: Configuration; readonly at: number } | undefined

  const discover = async (): Promise<Configuration> => {
    if (known && performance.now() - known.at < KNOWN_MS) return known.configuration
    const client = openidClient()
    const server = new URL(issuer)
    try {
      const configuration = await client.discovery(server, clientId, undefined, clientAuth(options), {
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
        // The id_token of many providers has the subject alone; the rest is at the userinfo endpoint.
        const isBare = nameIn(claims) === null || text(claims.email) === null
        const asks = isBare && configuration.serverMetadata().userinfo_endpoint !== undefined
        const more = asks
          ? await openidClient().fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : undefined
        return personOf(more === undefined ? claims : { ...more, ...claims })
      } catch (error) {
        throw outage(error) ? unavailable(title, error) : refused(title, error)
      }
    },
  }
}

/**
 * How the client proves itself at the token endpoint: as the settings say, otherwise as the provider announces it. A
 * provider that announces nothing takes HTTP Basic (OpenID Connect Discovery 1.0, section 3).
 */
function clientAuth({ clientSecret, tokenAuth }: OidcProvider): ClientAuth {
  return (server, client, body, headers) => {
    const { None, ClientSecretBasic, ClientSecretPost } = openidClient()
    if (clientSecret === undefined) return None()(server, client, body, headers)
    const announced = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const takesBasic = announced.includes('client_secret_basic') || !announced.includes('client_secret_post')
    const isBasic = tokenAuth === undefined ? takesBasic : tokenAuth === 'client_secret_basic'
    return (isBasic ? ClientSecretBasic : ClientSecretPost)(clientSecret)(server, client, body, headers)
  }
}

type Claims = Readonly<Record<string, unknown>> & { readonly sub: string }

/** A person's claims. Everything but the subject may be missing or of any form. */
function personOf(claims: Claims): ThirdPartyPerson {
  const isVerified = claims.email_verified === true || claims.email_verified === 'true'
  return { subject: claims.sub, displayName: nameIn(claims), email: isVerified ? emailIn(claims.email) : null }
}

/** The name of a person by the first claim that has one; Chinese names begin with the family name. */
function nameIn(claims: Claims): string | null {
  const [given, family] = [text(claims.given_name), text(claims.family_name)]
  const isHan = /\p{Script=Han}/u.test(`${family ?? ''}${given ?? ''}`)
  const parts = isHan ? [family, given] : [given, family]
  const joined = parts.filter((part) => part !== null).join(isHan ? '' : ' ')
  return text(claims.name) ?? text(joined) ?? text(claims.nickname) ?? text(claims.preferred_username)
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

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Instant, Nullable } from '../../kernel/http/schemas.ts'
import {
  type Begun,
  begin,
  beginLink,
  type CameBack,
  finish,
  HANDSHAKE_SECONDS,
  unlink,
} from '../../kernel/identity/logIn/thirdParty/service.ts'
import { listIdentities } from '../../kernel/identity/logIn/thirdParty/store.ts'
import { visitorOf } from '../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { Deleted } from '../fields.ts'
import { v1 } from '../paths.ts'
import { loggedIn } from './loggedIn.ts'
import { LoginAnswer, Password, presentUser, UserAnswer } from './schemas.ts'

const tag = 'Third-party log-in'
const Params = Type.Object({ provider: Type.String({ minLength: 1, maxLength: 20, pattern: '^[a-z][a-z0-9-]*$' }) })
const Word = Type.String({ minLength: 1, maxLength: 2000 })
const State = Type.String({ minLength: 1, maxLength: 200 })

/** Routes for logging in with WeChat, WeCom and OpenID Connect providers, and for linking those accounts. */
export function thirdPartyRoutes(app: App, kernel: Kernel): void {
  doors(app, kernel)
  callbacks(app, kernel)
  ownIdentities(app, kernel)
}

const BegunAnswer = Type.Object({
  url: Type.String(),
  state: Type.String(),
  binding: Type.String({ description: 'Keep it in the browser; never send it to the third party.' }),
  expires_in: Type.Integer({ description: 'Seconds.' }),
})

function answerBegun(reply: FastifyReply, kernel: Kernel, begun: Begun) {
  setCookie(reply, kernel, begun.state, begun.binding, HANDSHAKE_SECONDS)
  reply.header('cache-control', 'no-store')
  return { ...begun, expires_in: HANDSHAKE_SECONDS }
}

function doors(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/auth/providers'),
    operationId: 'listLogInProviders',
    permission: 'public',
    summary: 'List the third parties for logging in',
    tag,
    schema: {
      response: {
        200: Type.Object({ items: Type.Array(Type.Object({ name: Type.String(), title: Type.String() })) }),
      },
    },
    handler: () => ({ items: kernel.thirdParties.map(({ name, title }) => ({ name, title })) }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/auth/{provider}/authorize'),
    operationId: 'beginProviderLogIn',
    permission: 'public',
    summary: 'Start a log-in at a third party',
    description:
      'Send the browser to `url` within 10 minutes. If the caller is logged in, that account is linked to their ' +
      'own: this needs a log-in of the last 10 minutes (`password_required`; `POST /users/me/identities/{provider}` ' +
      'takes the password). An expired token is refused here too. The same browser must finish: by the cookie that ' +
      'this answer sets, or by sending `binding` with the callback.',
    tag,
    schema: { params: Params, response: { 200: BegunAnswer } },
    handler: async (request, reply) => {
      // A request with a token asks for linking. If the token has expired, refuse it instead of creating a second
      // account.
      if (request.tokenError !== undefined) throw request.tokenError
      const { provider } = request.params
      const proof = { password: undefined, visitor: visitorOf(request) }
      const begun = request.actor
        ? await beginLink(kernel, provider, callerOf(request), proof)
        : await begin(kernel, provider)
      return answerBegun(reply, kernel, begun)
    },
  })
}

const endings =
  'Works once. Logs in to the linked account, or creates a new one. If a person was logged in at the start, their ' +
  'account is linked, and their session goes on: the answer has no token.'

/** A session, or the account that was linked. */
const EndAnswer = Type.Union([LoginAnswer, Type.Object({ linked: Type.Literal(true), user: UserAnswer })])

function callbacks(app: App, kernel: Kernel): void {
  const end = async (request: FastifyRequest, reply: FastifyReply, provider: string, came: CameBack) => {
    const { session, linked } = await finish(kernel, provider, came, kernel.registerRole, visitorOf(request))
    setCookie(reply, kernel, came.state, '', 0)
    return session ? loggedIn(reply, session) : { linked: true as const, user: presentUser(linked, 'shown') }
  }

  route(app, {
    method: 'GET',
    paths: v1('/auth/{provider}/callback'),
    operationId: 'endProviderLogInByRedirect',
    permission: 'public',
    summary: 'Finish a log-in at a third party, as its redirect',
    description: `${endings} Needs the cookie of the browser that started.`,
    tag,
    limit: 'login',
    schema: {
      params: Params,
      querystring: Type.Object({
        state: State,
        code: Type.Optional(Word),
        error: Type.Optional(Word),
        iss: Type.Optional(Word),
      }),
      response: { 200: EndAnswer, 409: problemAnswer('`identity_taken`, `already_linked`') },
    },
    handler: async (request, reply) => {
      const { state, ...answer } = request.query
      const binding = cookieOf(request, state)
      return await end(request, reply, request.params.provider, { state, binding, answer: wordsOf(answer) })
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/auth/{provider}/callback'),
    operationId: 'endProviderLogIn',
    permission: 'public',
    summary: 'Finish a log-in at a third party, from an application’s own page',
    description: `${endings} For sites whose AUTH_REDIRECT_URL is a page of their own.`,
    tag,
    limit: 'login',
    schema: {
      params: Params,
      body: Type.Object({
        state: State,
        code: Type.Optional(Word),
        error: Type.Optional(Word),
        iss: Type.Optional(Word),
        binding: Type.Optional(Type.String({ maxLength: 200, description: 'If absent, the cookie is checked.' })),
      }),
      response: { 200: EndAnswer },
    },
    handler: async (request, reply) => {
      const { state, binding = cookieOf(request, state), ...answer } = request.body
      return await end(request, reply, request.params.provider, { state, binding, answer: wordsOf(answer) })
    },
  })
}

/** The proof that the caller is the account's owner, if the log-in is not recent. */
const PasswordBody = Nullable(Type.Object({ password: Type.Optional(Password) }))

function ownIdentities(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/me/identities'),
    permission: 'signed-in',
    summary: 'List the third parties linked to your own account',
    tag,
    schema: {
      response: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              provider: Type.String(),
              display_name: Nullable(Type.String()),
              linked_at: Instant,
              used_at: Instant,
            }),
          ),
        }),
      },
    },
    handler: async (request) => ({ items: await listIdentities(kernel.db, callerOf(request).userId) }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/me/identities/{provider}'),
    operationId: 'linkMyIdentity',
    permission: 'signed-in',
    summary: 'Start linking a third party to your own account',
    description:
      'Needs the password, or a log-in of the last 10 minutes, because the link is a way to log in. Then send the ' +
      'browser to `url`, as with a log-in.',
    tag,
    limit: 'login',
    schema: { params: Params, body: PasswordBody, response: { 200: BegunAnswer } },
    handler: async (request, reply) => {
      const proof = { password: request.body?.password, visitor: visitorOf(request) }
      return answerBegun(reply, kernel, await beginLink(kernel, request.params.provider, callerOf(request), proof))
    },
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/users/me/identities/{provider}'),
    operationId: 'unlinkMyIdentity',
    permission: 'signed-in',
    summary: 'Unlink a third party',
    description:
      'Needs the password, or a log-in of the last 10 minutes. Refused with `last_log_in` if no way to log in would ' +
      'be left.',
    tag,
    limit: 'login',
    schema: { params: Params, body: PasswordBody, response: { 204: Deleted } },
    handler: async (request) => {
      const proof = { password: request.body?.password, visitor: visitorOf(request) }
      await unlink(kernel, callerOf(request), request.params.provider, proof)
    },
  })
}

function wordsOf(answer: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answer).flatMap(([field, value]) => (typeof value === 'string' ? [[field, value] as const] : [])),
  )
}

/** One cookie for each log-in, so that two tabs don't disturb each other. */
const cookieName = (state: string) => `yuyue_sign_in_${state.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 12)}`

function setCookie(reply: FastifyReply, { config }: Kernel, state: string, value: string, seconds: number): void {
  const secure = config.publicUrl.startsWith('https:') ? '; Secure' : ''
  // Lax, because the third party's redirect is a navigation from another site.
  reply.header(
    'set-cookie',
    `${cookieName(state)}=${value}; Path=/api; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`,
  )
}

function cookieOf(request: FastifyRequest, state: string): string | undefined {
  const name = `${cookieName(state)}=`
  const found = (request.headers.cookie ?? '').split(';').map((one) => one.trim())
  return found.find((one) => one.startsWith(name))?.slice(name.length)
}

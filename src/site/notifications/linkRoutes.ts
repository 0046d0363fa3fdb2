import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { NotFound } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { escapeHtml, noteClicked, noteOpened } from '../../kernel/notifications/delivery/tracking.ts'
import { subscriptionOf, unsubscribe } from '../../kernel/notifications/people/unsubscribe.ts'

const tag = 'Links in mails'
const Params = Type.Object({ token: Type.String({ minLength: 1, maxLength: 500, pattern: '^[\\w.-]+$' }) })
const Page = Type.String({ description: 'A small HTML page.' })

/** One transparent pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

/**
 * Routes for the links in mails. They work without log-in for anybody who has the mail. They have no rate limit: a mail
 * provider fetches links for many people from few addresses, and a forged token costs no query.
 */
export function linkRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/u/{token}'],
    operationId: 'showUnsubscribePage',
    permission: 'public',
    summary: 'Ask whether to unsubscribe',
    description:
      'A page with one button for each choice. Mail programs and scanners follow links automatically, so reading ' +
      'the page unsubscribes nobody.',
    tag,
    limit: 'none',
    schema: { params: Params, response: { 200: Page } },
    handler: async ({ params }, reply) => {
      const { user_id: userId } = await subscriptionOf(kernel, params.token)
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-store')
      return page(choices(params.token, userId !== null))
    },
  })

  acceptAnything(app, (any) =>
    route(any, {
      method: 'POST',
      paths: ['/u/{token}'],
      operationId: 'unsubscribe',
      permission: 'public',
      summary: 'Unsubscribe with one click',
      description:
        'Unsubscribes from mails of the same kind; with `scope=all` from everything that can be switched off. Mail ' +
        'programs post here (RFC 8058), each in its own way: any body is taken.',
      tag,
      limit: 'none',
      schema: {
        params: Params,
        querystring: Type.Object({ scope: Type.Enum(['type', 'all'], { default: 'type' }) }),
        response: { 200: Page },
      },
      handler: async ({ params, query, body }, reply) => {
        const scope = typeof body === 'string' && /\bscope\b\W{1,10}all\b/.test(body) ? 'all' : query.scope
        await unsubscribe(kernel, params.token, scope)
        reply.type('text/html; charset=utf-8').header('cache-control', 'no-store')
        return page('<p>已退订。You are unsubscribed.</p>')
      },
    }),
  )

  route(app, {
    method: 'GET',
    paths: ['/o/{token}'],
    operationId: 'noteMailOpened',
    permission: 'public',
    summary: 'Record that a mail was opened',
    tag,
    limit: 'none',
    schema: { params: Params, response: { 200: Type.Unsafe<Buffer>({ description: 'An image of one pixel.' }) } },
    handler: async ({ params }, reply) => {
      const token = params.token.replace(/\.png$/, '')
      const ours =
        (await openedByPart(kernel, token)) || (await noteOpened(kernel.db, kernel, token, kernel.clock.now()))
      if (!ours) throw new NotFound('not_found', 'This picture is not one of ours.')
      // A Buffer is sent without serialization.
      return reply.type('image/png').header('cache-control', 'no-store').send(PIXEL)
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/t/{token}'],
    operationId: 'followMailLink',
    permission: 'public',
    summary: 'Follow a link in a mail',
    description: 'Redirects to the original target of the link only: the address is part of the signed token.',
    tag,
    limit: 'none',
    schema: { params: Params, response: { 200: Page, 302: Type.Null({ description: 'To the page.' }) } },
    handler: async ({ params }, reply) => {
      const followed = await followedByPart(kernel, params.token)
      if (followed?.url === null) {
        reply.type('text/html; charset=utf-8').header('cache-control', 'no-store')
        return page('<p>請回到聊天室查看。Please go back to the chat.</p>')
      }
      const url = followed?.url ?? (await noteClicked(kernel.db, kernel, params.token, kernel.clock.now()))
      if (url === undefined) throw new NotFound('not_found', 'This link is not one of ours.')
      return reply.header('cache-control', 'no-store').redirect(url, 302)
    },
  })
}

const MOST_BYTES = 64 * 1024

/** Declares routes that take a body of any type, as text. */
function acceptAnything(app: App, register: (app: App) => void): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MOST_BYTES }, (_request, body, done) => {
      done(null, String(body).replaceAll('\0', '').toWellFormed())
    })
    register(scope.withTypeProvider<TypeBoxTypeProvider>())
  })
}

/** Follows a link of a part; undefined if no part knows the token. */
async function followedByPart(kernel: Kernel, token: string) {
  for (const links of kernel.trackedLinks) {
    const followed = await links.follow(kernel, token)
    if (followed) return followed
  }
  return undefined
}

async function openedByPart(kernel: Kernel, token: string): Promise<boolean> {
  for (const links of kernel.trackedLinks) if (await links.open(kernel, token)) return true
  return false
}

function choices(token: string, known: boolean): string {
  const button = (scope: string, text: string) =>
    `<form method="post" action="/u/${escapeHtml(token)}?scope=${scope}"><button>${text}</button></form>`
  const all = known ? button('all', '退订所有可退订的邮件 · Unsubscribe from all mails') : ''
  return `<h1>退订 · Unsubscribe</h1>${button('type', '退订此类邮件 · Unsubscribe from such mails')}${all}`
}

function page(content: string): string {
  const head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Yuyue</title>'
  return `<!doctype html><html lang="zh-CN">${head}<body>${content}</body></html>`
}

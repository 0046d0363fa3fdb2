import { Type } from 'typebox'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, Instant, Nullable, Text } from '../../kernel/http/schemas.ts'
import { visitorOf } from '../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { consent, consentsOf, getText, publish } from '../../kernel/privacy/consent.ts'
import { askForExport, latestExport, linkOf } from '../../kernel/privacy/dataExport.ts'
import type { DataExport } from '../../kernel/privacy/exportStore.ts'
import { leave } from '../../kernel/privacy/leaving.ts'
import { LEGAL_KINDS } from '../../kernel/privacy/legalStore.ts'
import { Password } from '../accounts/schemas.ts'
import { v1 } from '../paths.ts'

const tag = 'Privacy'
const write = 'site:legal.write'
const Kind = Type.Enum(LEGAL_KINDS)
const Version = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const KindParams = Type.Object({ kind: Kind })

const LegalText = Type.Object(
  { kind: Kind, version: Version, title: Type.String(), body: Type.String(), published_at: Instant },
  { title: 'LegalText' },
)

const Consents = Type.Object(
  {
    items: Type.Array(Type.Object({ kind: Kind, version: Version, given_at: Instant })),
    required: Type.Array(Type.Object({ kind: Kind, version: Version }), {
      description: 'Current texts the person has not agreed to.',
    }),
  },
  { title: 'Consents' },
)

const DataExportAnswer = Type.Object(
  {
    id: Id,
    state: Type.Enum(['queued', 'ready', 'expired']),
    requested_at: Instant,
    ready_at: Nullable(Instant),
    expires_at: Nullable(Instant),
    download_url: Nullable(
      Type.String({ description: 'Works without logging in until `expires_at`: do not share it.' }),
    ),
  },
  { title: 'DataExport' },
)

/** Routes for policy and terms, consent, the copy of personal data, and giving up an account. */
export function privacyRoutes(app: App, kernel: Kernel): void {
  legalTexts(app, kernel)
  consents(app, kernel)
  ownData(app, kernel)
}

function legalTexts(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/legal/{kind}'),
    operationId: 'getLegalText',
    permission: 'public',
    summary: 'Read the privacy policy or the terms',
    description: 'The current version, or an earlier one. 404 `not_published` if there is none.',
    tag,
    schema: {
      params: KindParams,
      querystring: Type.Object({ version: Type.Optional(Version) }),
      response: { 200: LegalText },
    },
    handler: ({ params, query }) => getText(kernel, params.kind, query.version),
  })

  route(app, {
    method: 'POST',
    paths: v1('/legal/{kind}'),
    operationId: 'publishLegalText',
    permission: write,
    summary: 'Publish the next version of the privacy policy or the terms',
    description:
      'Earlier versions do not change. Everybody is asked for consent again; people who register from now on agree ' +
      'to this version.',
    tag,
    schema: {
      params: KindParams,
      body: Type.Object({ title: Text(200, { examples: ['隐私政策'] }), body: Text(200_000) }),
      response: { 201: LegalText },
    },
    handler: (request) => publish(kernel, callerOf(request), request.params.kind, request.body),
  })
}

function consents(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/me/consents'),
    permission: 'signed-in',
    summary: 'Read the texts you have agreed to and those you must agree to',
    tag,
    schema: { response: { 200: Consents } },
    handler: (request) => consentsOf(kernel, callerOf(request).userId),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/me/consents'),
    operationId: 'giveConsent',
    permission: 'signed-in',
    summary: 'Agree to the current version of a text',
    description: 'Agreeing again changes nothing. A version that is not the current one is refused with `not_current`.',
    tag,
    schema: {
      body: Type.Object({ kind: Kind, version: Version }),
      response: { 200: Consents, 404: problemAnswer('`not_published`') },
    },
    handler: async (request) => {
      const caller = callerOf(request)
      await consent(kernel, caller, request.body)
      return await consentsOf(kernel, caller.userId)
    },
  })
}

function ownData(app: App, kernel: Kernel): void {
  const present = (one: DataExport) => ({
    id: one.id,
    state: one.state,
    requested_at: one.requested_at,
    ready_at: one.ready_at,
    expires_at: one.expires_at,
    download_url: linkOf(kernel, one),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/me/data-export'),
    operationId: 'requestMyDataExport',
    permission: 'signed-in',
    summary: 'Ask for a copy of all data about you',
    description: 'It is made in the background; a notification is sent when it is ready. At most 3 a day.',
    tag,
    schema: { response: { 202: DataExportAnswer } },
    handler: async (request) => present(await askForExport(kernel, callerOf(request))),
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/me/data-export'),
    permission: 'signed-in',
    summary: 'Read the progress of the latest copy and its link',
    tag,
    schema: { response: { 200: DataExportAnswer, 404: problemAnswer('No copy was asked for.') } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return present(await latestExport(kernel, callerOf(request).userId))
    },
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/users/me'),
    operationId: 'deleteMyAccount',
    permission: 'signed-in',
    summary: 'Give up your own account',
    description:
      'Needs the password, or a log-in of the last 10 minutes. All sessions end; the account and all personal data ' +
      'are deleted at `leaves_at`. Logging in before then keeps the account. Wrong passwords count as failed ' +
      'log-ins.',
    tag,
    limit: 'login',
    schema: {
      body: Nullable(Type.Object({ password: Type.Optional(Password) })),
      response: { 202: Type.Object({ leaves_at: Instant }) },
    },
    handler: async (request) => {
      const proof = { password: request.body?.password, visitor: visitorOf(request) }
      return { leaves_at: await leave(kernel, callerOf(request), proof) }
    },
  })
}

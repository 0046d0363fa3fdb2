import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import { Answer, answer } from '../../contract.ts'
import { CODES, refusal } from '../../sentences.ts'

const tag = 'Clinic WeChat'

const Binding = Answer(
  Type.Object({
    bound: Type.Boolean(),
    maskedOpenid: Nullable(Type.String()),
    authorized: Type.Boolean(),
    authorizedTemplates: Type.Array(Type.String()),
    allTemplateStatuses: Type.Array(
      Type.Object({ templateId: Type.String(), status: Type.String() }, { description: 'Always empty for now.' }),
    ),
  }),
)

/** Nobody is bound: this server pushes nothing to WeChat. The messages come by the other channels. */
const unbound = () =>
  answer({ bound: false, maskedOpenid: null, authorized: false, authorizedTemplates: [], allTemplateStatuses: [] })

/**
 * Routes that the published client calls about messages in WeChat (clients 1.3). This server has no such channel: they
 * answer that nobody is bound, and a binding is refused.
 */
export function wechatRoutes(app: App): void {
  for (const [path, operationId, summary] of [
    ['/patient/wechat/bindinfo', 'getMyWechatBinding', 'Read whether your WeChat account is bound: it never is'],
    ['/patient/wechat/authorized', 'getMyWechatTemplates', 'Read which WeChat messages you allow: none'],
  ] as const)
    route(app, {
      method: 'GET',
      paths: [path],
      operationId,
      permission: 'signed-in',
      summary,
      tag,
      schema: {
        querystring: Type.Object({ templateId: Type.Optional(Type.String({ maxLength: 100 })) }),
        response: { 200: Binding },
      },
      handler: () => unbound(),
    })
  route(app, {
    method: 'POST',
    paths: ['/patient/wechat/subscribe-auth'],
    operationId: 'noteMyWechatTemplates',
    permission: 'signed-in',
    summary: 'Takes what you allow in WeChat; it is not kept',
    tag,
    schema: { body: Type.Optional(Nullable(Type.Object({}))), response: { 200: Binding } },
    handler: () => unbound(),
  })
  route(app, {
    method: 'POST',
    paths: ['/patient/wechat/bind-by-code'],
    operationId: 'bindMyWechat',
    permission: 'signed-in',
    summary: 'Bind your WeChat account: always refused',
    tag,
    schema: {
      body: Type.Object({ code: Type.Optional(Nullable(Type.String({ maxLength: 200 }))) }),
      response: { 200: Binding },
    },
    handler: () => {
      throw refusal(CODES.request, 'not_configured', '医院未开通微信消息提醒，就诊通知将通过站内消息、邮件或短信发送')
    },
  })
}

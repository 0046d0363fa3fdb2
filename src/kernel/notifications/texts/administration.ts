import { sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import { defineConstraints } from '../../database/constraints.ts'
import type { Transaction } from '../../database/database.ts'
import { Conflict, Invalid, NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { reconsider } from '../delivery/deliveryStore.ts'
import type { Policy } from '../delivery/policy.ts'
import * as policyStore from '../delivery/policyStore.ts'
import {
  announceChange,
  type Catalogue,
  type ChannelText,
  compileTemplate,
  fill,
  loadTemplates,
  type StoredTemplate,
} from './catalogue.ts'
import { compile } from './templates.ts'
import type { Locale, NotificationType } from './types.ts'

defineConstraints({
  notification_types_pkey: () => new Conflict('type_exists', 'There already is a notification type of that key.'),
  notification_templates_key: () =>
    new Conflict('template_exists', 'There already is a template for this type, channel and language.'),
})

const noSuchType = () => new NotFound('not_found', 'There is no such notification type.')
const noSuchTemplate = () => new NotFound('not_found', 'There is no such template.')

/** The type with a key. @throws NotFound */
export function getType(catalogue: Catalogue, key: string): NotificationType {
  const type = catalogue.typeOf(key)
  if (!type) throw noSuchType()
  return type
}

/** The type with a key that is in the body of a request. @throws Invalid `unknown_type` */
function typeNamed(catalogue: Catalogue, key: string): NotificationType {
  const type = catalogue.typeOf(key)
  if (!type) throw new Invalid('unknown_type', `There is no notification type ${JSON.stringify(key.slice(0, 100))}.`)
  return type
}

/** Adds a type. @throws Conflict `type_exists`; Invalid `bad_template` */
export async function createType(kernel: Kernel, caller: Caller, type: NotificationType): Promise<void> {
  if (kernel.notifications.catalogue.isBuiltIn(type.key)) {
    throw new Conflict('type_exists', 'There already is a notification type of that key.')
  }
  checkTexts(type)
  const now = kernel.clock.now()
  await change(kernel, async (tx) => {
    await sql`
      INSERT INTO notification_types (
        key, name, category, urgent, channels, subject, body, sample, created_at, updated_at
      )
      VALUES (
        ${type.key}, ${type.title}, ${type.category}, ${type.urgent}, ${type.channels}, ${type.subject}, ${type.body},
        ${JSON.stringify(type.sample)}::text::jsonb, ${now}, ${now}
      )`.execute(tx)
    const operation = { action: 'notification_type.create', resource: 'notification_type', resourceId: type.key }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

/**
 * Changes a type that an administrator added.
 * @throws NotFound; Conflict `built_in_type`; Invalid `bad_template` when its texts, or one of its templates, name a
 * variable that the sample lacks.
 */
export async function updateType(kernel: Kernel, caller: Caller, type: NotificationType): Promise<void> {
  refuseBuiltIn(kernel.notifications.catalogue, type.key)
  checkTexts(type)
  const now = kernel.clock.now()
  await change(kernel, async (tx) => {
    const { numAffectedRows } = await sql`
      UPDATE notification_types
      SET name = ${type.title},
        category = ${type.category},
        urgent = ${type.urgent},
        channels = ${type.channels},
        subject = ${type.subject},
        body = ${type.body},
        sample = ${JSON.stringify(type.sample)}::text::jsonb,
        updated_at = ${now}
      WHERE key = ${type.key}`.execute(tx)
    if ((numAffectedRows ?? 0n) === 0n) throw noSuchType()
    for (const template of await loadTemplates(tx, { type: type.key }))
      checkTemplate(kernel.notifications.catalogue, template, type, template.channel)
    const operation = { action: 'notification_type.update', resource: 'notification_type', resourceId: type.key }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

/**
 * Deletes a type that an administrator added, and its templates.
 * @throws NotFound; Conflict `built_in_type` | `type_in_use`
 */
export async function deleteType(kernel: Kernel, caller: Caller, key: string): Promise<void> {
  refuseBuiltIn(kernel.notifications.catalogue, key)
  const now = kernel.clock.now()
  await change(kernel, async (tx) => {
    const { rows } = await sql`SELECT 1 AS found FROM notification_types WHERE key = ${key} FOR UPDATE`.execute(tx)
    if (rows.length === 0) throw noSuchType()
    const use = await sql<{ used: boolean }>`
      SELECT EXISTS (SELECT FROM deliveries WHERE type = ${key})
        OR EXISTS (SELECT FROM notification_messages WHERE type = ${key})
        OR EXISTS (SELECT FROM broadcasts WHERE type = ${key})
        OR EXISTS (SELECT FROM outbox WHERE message->>'type' = ${key}) AS used`.execute(tx)
    if (use.rows[0]?.used) throw new Conflict('type_in_use', 'Notifications of this type have been sent.')
    await sql`DELETE FROM notification_templates WHERE type = ${key}`.execute(tx)
    await sql`DELETE FROM notification_preferences WHERE type = ${key}`.execute(tx)
    await sql`DELETE FROM notification_types WHERE key = ${key}`.execute(tx)
    const operation = { action: 'notification_type.delete', resource: 'notification_type', resourceId: key }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

function refuseBuiltIn(catalogue: Catalogue, key: string): void {
  if (!catalogue.isBuiltIn(key)) return
  throw new Conflict('built_in_type', 'This type belongs to the program: change its texts with templates instead.')
}

/** The content of a template that administrators can change. */
export type TemplateContent = Pick<StoredTemplate, 'subject' | 'body' | 'html' | 'providerCode' | 'providerParams'>

/** Adds a template. @throws Conflict `template_exists`; Invalid `unknown_type` | `bad_template` */
export async function createTemplate(
  kernel: Kernel,
  caller: Caller,
  place: { readonly type: string; readonly channel: string; readonly locale: Locale },
  content: TemplateContent,
): Promise<StoredTemplate> {
  checkTemplate(
    kernel.notifications.catalogue,
    content,
    typeNamed(kernel.notifications.catalogue, place.type),
    place.channel,
  )
  const now = kernel.clock.now()
  return change(kernel, async (tx) => {
    const { rows } = await sql<{ id: number }>`
      INSERT INTO notification_templates (
        type, channel, locale, subject, body, html, provider_code, provider_params, created_at, updated_at
      )
      VALUES (
        ${place.type}, ${place.channel}, ${place.locale}, ${content.subject}, ${content.body}, ${content.html},
        ${content.providerCode}, ${content.providerParams}, ${now}, ${now}
      )
      RETURNING id`.execute(tx)
    const id = rows[0]?.id ?? 0
    const operation = { action: 'notification_template.create', resource: 'notification_template', resourceId: id }
    await record(tx, now, { ...originOf(caller), ...operation })
    return one(await loadTemplates(tx, { id }))
  })
}

/** Changes the content of a template. @throws NotFound; Invalid `bad_template` */
export async function updateTemplate(
  kernel: Kernel,
  caller: Caller,
  id: number,
  content: TemplateContent,
): Promise<StoredTemplate> {
  const now = kernel.clock.now()
  return change(kernel, async (tx) => {
    const before = one(await loadTemplates(tx, { id }))
    checkTemplate(
      kernel.notifications.catalogue,
      content,
      getType(kernel.notifications.catalogue, before.type),
      before.channel,
    )
    await sql`
      UPDATE notification_templates
      SET subject = ${content.subject},
        body = ${content.body},
        html = ${content.html},
        provider_code = ${content.providerCode},
        provider_params = ${content.providerParams},
        updated_at = ${now}
      WHERE id = ${id}`.execute(tx)
    const after = one(await loadTemplates(tx, { id }))
    const changes = { subject: [before.subject, after.subject], body: [before.body, after.body] } as const
    const operation = { action: 'notification_template.update', resource: 'notification_template', resourceId: id }
    await record(tx, now, { ...originOf(caller), ...operation, changes })
    return after
  })
}

/** Deletes a template; the type's own text is used instead. @throws NotFound */
export async function deleteTemplate(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await change(kernel, async (tx) => {
    one(await loadTemplates(tx, { id }))
    await sql`DELETE FROM notification_templates WHERE id = ${id}`.execute(tx)
    const operation = { action: 'notification_template.delete', resource: 'notification_template', resourceId: id }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

/**
 * Renders a template with the sample data of the type; `data` replaces parts of the sample.
 * @throws Invalid `unknown_type` | `bad_template`
 */
export function previewTemplate(
  catalogue: Catalogue,
  key: string,
  channel: string,
  content: TemplateContent,
  data: Readonly<Record<string, unknown>>,
): ChannelText {
  const type = typeNamed(catalogue, key)
  const compiled = checkTemplate(catalogue, content, type, channel)
  try {
    return fill(compiled, { ...type.sample, ...data })
  } catch (error) {
    throw badTemplate(error)
  }
}

function checkTemplate({ channels }: Catalogue, content: TemplateContent, type: NotificationType, channel: string) {
  const by = channels.delivery(channel)
  if (content.html !== null && !by?.richText) {
    throw new Invalid('bad_template', 'Only mails can have rich text.')
  }
  if (content.providerCode !== null && !by?.registeredTemplates) {
    throw new Invalid('bad_template', 'Only SMS templates can name a template registered at the provider.')
  }
  try {
    return compileTemplate(content, type.sample)
  } catch (error) {
    throw badTemplate(error)
  }
}

function checkTexts(type: NotificationType): void {
  for (const part of ['subject', 'body'] as const) {
    try {
      compile(type[part], type.sample)
    } catch (error) {
      throw badTemplate(new Error(`${part}: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
}

function badTemplate(error: unknown): Invalid {
  const reason = error instanceof Error ? error.message : String(error)
  return new Invalid('bad_template', `The template is wrong: ${reason.slice(0, 300)}`)
}

function one(rows: readonly StoredTemplate[]): StoredTemplate {
  const [row] = rows
  if (!row) throw noSuchTemplate()
  return row
}

/** Changes the quiet hours and frequency caps. */
export async function changePolicy(kernel: Kernel, caller: Caller, policy: Omit<Policy, 'holidays'>): Promise<void> {
  const now = kernel.clock.now()
  await changePolicyBy(kernel, async (tx) => {
    const { holidays: _, ...before } = await policyStore.loadPolicy(tx)
    await policyStore.savePolicy(tx, policy, now)
    const operation = { action: 'notification_policy.update', resource: 'notification_policy' }
    await record(tx, now, { ...originOf(caller), ...operation, changes: { policy: [before, policy] } })
  })
}

/** Adds a public holiday or renames it. */
export async function putHoliday(kernel: Kernel, caller: Caller, holiday: policyStore.Holiday): Promise<void> {
  const now = kernel.clock.now()
  await changePolicyBy(kernel, async (tx) => {
    await policyStore.putHoliday(tx, holiday, now)
    const operation = { action: 'holiday.put', resource: 'holiday', resourceId: holiday.date }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

/** Deletes a public holiday. @throws NotFound */
export async function deleteHoliday(kernel: Kernel, caller: Caller, date: string): Promise<void> {
  const now = kernel.clock.now()
  await changePolicyBy(kernel, async (tx) => {
    if (!(await policyStore.deleteHoliday(tx, date))) throw new NotFound('not_found', 'There is no such holiday.')
    const operation = { action: 'holiday.delete', resource: 'holiday', resourceId: date }
    await record(tx, now, { ...originOf(caller), ...operation })
  })
}

/** `change` for the policy; the courier decides again about the deliveries that the old policy held up. */
function changePolicyBy(kernel: Kernel, work: (tx: Transaction) => Promise<void>): Promise<void> {
  const workAndReconsider = async (tx: Transaction) => {
    await work(tx)
    await reconsider(tx, kernel.clock.now())
  }
  return change(kernel, workAndReconsider, 'policy')
}

/**
 * Runs a change in a transaction, announces it to all processes, and reloads the catalogue of this one before it
 * returns.
 */
async function change<T>(
  kernel: Kernel,
  work: (tx: Transaction) => Promise<T>,
  changed: 'texts' | 'policy' = 'texts',
): Promise<T> {
  const answer = await kernel.transaction(async (tx) => {
    const result = await work(tx)
    await announceChange(tx, changed)
    return result
  })
  await kernel.notifications.catalogue.reload(kernel.db)
  kernel.nudge()
  return answer
}

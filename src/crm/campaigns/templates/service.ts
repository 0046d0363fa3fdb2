import { isDeepStrictEqual } from 'node:util'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Conflict, type FieldError } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { Config } from '../../../kernel/settings.ts'
import { actionAddress, pictureAddress } from '../../core/templates/addresses.ts'
import { templateFaults } from '../../core/templates/faults.ts'
import { type Preview, previewTemplate } from '../../core/templates/preview.ts'
import type { TemplateBody, TemplateChange } from '../../core/templates/schemas.ts'
import { findTemplate } from '../../core/templates/store.ts'
import type { Button, CarouselItem, Template, TemplateContent } from '../../core/templates/types.ts'
import { keepUploads } from '../../core/uploadsStore.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import * as store from './store.ts'

/**
 * The content of a request, with every field; absent ones are those of `before`, or empty. An empty text is none.
 * Addresses get the form in which they are stored; wrong ones stay as they are, for `templateFaults`.
 */
function contentOf(
  { publicUrl }: Pick<Config, 'publicUrl'>,
  body: Of<typeof TemplateChange>,
  before: TemplateContent,
): TemplateContent {
  const { carousel_items: items, buttons, interaction_result: result } = body
  const given = <Name extends keyof TemplateContent>(name: Name, value: TemplateContent[Name] | undefined) =>
    value === undefined ? before[name] : value
  const text = (value: string | null | undefined) => (value === undefined ? undefined : textIn(value))
  return {
    type: given('type', body.type),
    name: given('name', text(body.name)),
    content: given('content', text(body.content)),
    notification_text: given('notification_text', text(body.notification_text)),
    preview_text: given('preview_text', text(body.preview_text)),
    interaction_tag_id: given('interaction_tag_id', body.interaction_tag_id),
    buttons: given('buttons', buttons === null ? null : buttons?.map(buttonOf)),
    interaction_result: given(
      'interaction_result',
      result && { type: result.type, url: target(result.url), template_id: result.template_id ?? null },
    ),
    carousel_items: given('carousel_items', items === null ? [] : items?.map((item, n) => itemOf(item, n, publicUrl))),
  }
}

type Body = Of<typeof TemplateBody>

function buttonOf({ label, action_url: url, interaction_tag_id: tag }: NonNullable<Body['buttons']>[number]): Button {
  return { label: label.trim(), action_url: target(url), interaction_tag_id: tag ?? null }
}

function itemOf(item: NonNullable<Body['carousel_items']>[number], n: number, publicUrl: string): CarouselItem {
  return {
    image_url: pictureAddress(item.image_url, publicUrl) ?? item.image_url,
    title: textIn(item.title ?? null),
    description: textIn(item.description ?? null),
    price: item.price ?? null,
    action_url: target(item.action_url),
    interaction_tag_id: item.interaction_tag_id ?? null,
    sort_order: item.sort_order ?? n,
  }
}

const textIn = (text: string | null) => text?.replaceAll('\r\n', '\n') || null

const target = (url: string | null | undefined) => (url ? (actionAddress(url) ?? url) : null)

const EMPTY: TemplateContent = {
  type: 'text',
  name: null,
  content: null,
  buttons: null,
  notification_text: null,
  preview_text: null,
  interaction_tag_id: null,
  interaction_result: null,
  carousel_items: [],
}

/** The cards in the order in which they are shown. */
const inOrder = (content: TemplateContent): TemplateContent => ({
  ...content,
  carousel_items: content.carousel_items.toSorted((a, b) => a.sort_order - b.sort_order),
})

/** Faults of what a template names: tags and templates. `id`: its own, if it is stored. */
async function foreignFaults(db: Database, content: TemplateContent, id: number | undefined): Promise<FieldError[]> {
  const named = [
    ['/interaction_tag_id', content.interaction_tag_id] as const,
    ...(content.buttons ?? []).map((one, n) => [`/buttons/${n}/interaction_tag_id`, one.interaction_tag_id] as const),
    ...content.carousel_items.map(
      (one, n) => [`/carousel_items/${n}/interaction_tag_id`, one.interaction_tag_id] as const,
    ),
  ]
  const ids = named.flatMap(([, tag]) => (tag === null ? [] : [tag]))
  const known = ids.length > 0 ? await store.interactionTags(db, ids) : new Set<number>()
  const faults = named
    .filter(([, tag]) => tag !== null && !known.has(tag))
    .map(([path]) => fieldError(path, 'is not an interaction tag'))
  const sent = content.interaction_result?.template_id ?? null
  if (sent === null) return faults
  const chain = await store.chainOf(db, sent)
  if (chain.length === 0) return [...faults, fieldError('/interaction_result/template_id', 'is no template')]
  const isCircle = id !== undefined && chain.includes(id)
  return isCircle ? [...faults, fieldError('/interaction_result/template_id', 'leads back to this template')] : faults
}

/** Keeps the pictures that the template shows. @throws Invalid 422 for paths at which there is none */
async function keepPictures(tx: Transaction, { carousel_items: items }: TemplateContent, at: Date): Promise<void> {
  const gone = new Set(
    await keepUploads(
      tx,
      items.map(({ image_url: url }) => url),
      at,
    ),
  )
  const faults = items.flatMap(({ image_url: url }, n) =>
    gone.has(url) ? [fieldError(`/carousel_items/${n}/image_url`, 'is no picture on this server')] : [],
  )
  if (faults.length > 0) throw invalidFields(faults)
}

async function check(db: Database, content: TemplateContent, id?: number): Promise<void> {
  const faults = [...templateFaults(content), ...(await foreignFaults(db, content, id))]
  if (faults.length > 0) throw invalidFields(faults)
}

/** @throws NotFound */
export async function getTemplate(kernel: Kernel, id: number): Promise<Template> {
  const found = await kernel.withRetries((db) => findTemplate(db, id))
  if (!found) throw missing('template')
  return found
}

/** Adds a template. @throws Invalid 422 with a fault for each field that LINE would refuse. */
export async function addTemplate(kernel: Kernel, caller: Caller, body: Of<typeof TemplateBody>): Promise<Template> {
  const at = kernel.clock.now()
  const content = contentOf(kernel.config, body, EMPTY)
  return await writing(kernel, async (tx) => {
    await check(tx, content)
    await keepPictures(tx, content, at)
    return await insert(tx, caller, inOrder(content), at)
  })
}

/** Adds a copy of a template. @throws NotFound */
export async function copyTemplate(kernel: Kernel, caller: Caller, id: number): Promise<Template> {
  const at = kernel.clock.now()
  return await writing(kernel, async (tx) => {
    const source = await findTemplate(tx, id)
    if (!source) throw missing('template')
    const name = `${[...(source.name ?? '模板')].slice(0, 90).join('')}（複本）`
    return await insert(tx, caller, { ...contentIn(source), name }, at)
  })
}

async function insert(tx: Transaction, caller: Caller, content: TemplateContent, at: Date): Promise<Template> {
  const id = await store.insertTemplate(tx, content, at)
  await note(tx, caller, { action: 'template.add', id, changes: changesOf(EMPTY, content) }, at)
  return await stored(tx, id)
}

/**
 * Changes a template. Once a campaign has used the current version, the change makes a new one; the campaign keeps its
 * own. A change that changes nothing makes none. @throws NotFound; Invalid 422
 */
export async function changeTemplate(
  kernel: Kernel,
  caller: Caller,
  id: number,
  body: Of<typeof TemplateChange>,
): Promise<Template> {
  const at = kernel.clock.now()
  return await writing(kernel, async (tx) => {
    const version = await store.lockTemplate(tx, id)
    const before = await findTemplate(tx, id)
    if (version === undefined || !before) throw missing('template')
    const given = contentOf(kernel.config, body, contentIn(before))
    await check(tx, given, id)
    await keepPictures(tx, given, at)
    const content = inOrder(given)
    const changes = changesOf(contentIn(before), content)
    if (Object.keys(changes).length === 0) return before
    const next = (await store.isVersionUsed(tx, id, version)) ? version + 1 : version
    await store.updateTemplate(tx, id, content, next, at)
    const all = { ...changes, ...(next > version && { version: [version, next] as const }) }
    await note(tx, caller, { action: 'template.change', id, changes: all }, at)
    return await stored(tx, id)
  })
}

/** The content of a stored template: its cards without their ids, which change with it. */
function contentIn(template: Template): TemplateContent {
  const {
    id: _id,
    version: _version,
    created_at: _created,
    updated_at: _updated,
    carousel_items,
    ...content
  } = template
  return { ...content, carousel_items: carousel_items.map(({ id: _item, ...item }) => item) }
}

/** The fields that differ, before and after. */
function changesOf(before: TemplateContent, after: TemplateContent): Record<string, readonly [unknown, unknown]> {
  const was = new Map<string, unknown>(Object.entries(before))
  return Object.fromEntries(
    Object.entries(after)
      .filter(([name, value]) => !isDeepStrictEqual(was.get(name), value))
      .map(([name, value]) => [name, [was.get(name), value]]),
  )
}

/** Runs the work of one writer of templates at a time: what they name of each other stays true meanwhile. */
async function writing<Result>(kernel: Kernel, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  const result = await kernel.transaction(async (tx) => {
    await store.lockTemplates(tx)
    return await work(tx)
  })
  kernel.nudge()
  return result
}

/** Deletes a template that nothing uses. @throws NotFound; Conflict `template_in_use` naming what uses it. */
export async function deleteTemplate(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await writing(kernel, async (tx) => {
    if ((await store.lockTemplate(tx, id)) === undefined) throw missing('template')
    const uses = await store.usesOf(tx, id)
    if (uses.length > 0) throw new Conflict('template_in_use', `The template is used by ${uses.join(', ')}.`)
    await store.markDeleted(tx, id, at)
    await note(tx, caller, { action: 'template.delete', id, changes: {} }, at)
  })
}

/** Shows a template that need not be stored. @throws Invalid 422 */
export async function previewContent(kernel: Kernel, body: Of<typeof TemplateBody>): Promise<Preview> {
  const content = contentOf(kernel.config, body, EMPTY)
  await kernel.withRetries((db) => check(db, content))
  return previewTemplate(inOrder(content), kernel.config.publicUrl)
}

async function stored(tx: Transaction, id: number): Promise<Template> {
  const found = await findTemplate(tx, id)
  if (!found) throw missing('template')
  return found
}

async function note(
  tx: Transaction,
  caller: Caller,
  { action, id, changes }: { action: string; id: number; changes: Record<string, readonly [unknown, unknown]> },
  at: Date,
): Promise<void> {
  await record(tx, at, { ...originOf(caller), action, resource: 'template', resourceId: id, changes })
}

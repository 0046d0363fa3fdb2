import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Conflict, type FieldError } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { templateFaults } from '../../core/templates/faults.ts'
import { type Preview, previewTemplate } from '../../core/templates/preview.ts'
import type { TemplateBody, TemplateChange } from '../../core/templates/schemas.ts'
import { findTemplate } from '../../core/templates/store.ts'
import type { Template, TemplateContent } from '../../core/templates/types.ts'
import { keepUploads } from '../../core/uploadsStore.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import * as store from './store.ts'

/** The content of a request, with every field; absent ones are those of `before`, or empty. */
function contentOf(body: Of<typeof TemplateChange>, before: TemplateContent): TemplateContent {
  const { carousel_items: items, buttons, interaction_result: result, ...rest } = body
  return {
    type: rest.type ?? before.type,
    name: rest.name === undefined ? before.name : rest.name,
    content: rest.content === undefined ? before.content : rest.content,
    notification_text: rest.notification_text === undefined ? before.notification_text : rest.notification_text,
    preview_text: rest.preview_text === undefined ? before.preview_text : rest.preview_text,
    interaction_tag_id: rest.interaction_tag_id === undefined ? before.interaction_tag_id : rest.interaction_tag_id,
    buttons:
      buttons === undefined
        ? before.buttons
        : (buttons?.map(({ label, action_url = null, interaction_tag_id = null }) => ({
            label,
            action_url: action_url || null,
            interaction_tag_id,
          })) ?? null),
    interaction_result:
      result === undefined
        ? before.interaction_result
        : result && { type: result.type, url: result.url || null, template_id: result.template_id ?? null },
    carousel_items:
      items === undefined
        ? before.carousel_items
        : items.map((item, n) => ({
            image_url: item.image_url,
            title: item.title || null,
            description: item.description || null,
            price: item.price ?? null,
            action_url: item.action_url || null,
            interaction_tag_id: item.interaction_tag_id ?? null,
            sort_order: item.sort_order ?? n,
          })),
  }
}

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
  const content = inOrder(contentOf(body, EMPTY))
  return await kernel.transaction(async (tx) => {
    await check(tx, content)
    await keepPictures(tx, content, at)
    const id = await store.insertTemplate(tx, content, at)
    await note(tx, caller, { action: 'template.add', id, changes: { name: [null, content.name] } }, at)
    return await stored(tx, id)
  })
}

/** Adds a copy of a template. @throws NotFound */
export async function copyTemplate(kernel: Kernel, caller: Caller, id: number): Promise<Template> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const source = await findTemplate(tx, id)
    if (!source) throw missing('template')
    const name = `${[...(source.name ?? '模板')].slice(0, 90).join('')}（複本）`
    const copyId = await store.insertTemplate(tx, { ...source, name }, at)
    await note(tx, caller, { action: 'template.add', id: copyId, changes: { name: [null, name] } }, at)
    return await stored(tx, copyId)
  })
}

/**
 * Changes a template. Once a campaign has used the current version, the change makes a new one; the campaign keeps its
 * own. @throws NotFound; Invalid 422
 */
export async function changeTemplate(
  kernel: Kernel,
  caller: Caller,
  id: number,
  body: Of<typeof TemplateChange>,
): Promise<Template> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const version = await store.lockTemplate(tx, id)
    const before = await findTemplate(tx, id)
    if (version === undefined || !before) throw missing('template')
    const content = inOrder(contentOf(body, before))
    await check(tx, content, id)
    await keepPictures(tx, content, at)
    const next = (await store.isVersionUsed(tx, id, version)) ? version + 1 : version
    await store.updateTemplate(tx, id, content, next, at)
    const changes = { name: [before.name, content.name], version: [version, next] } as const
    await note(tx, caller, { action: 'template.change', id, changes }, at)
    return await stored(tx, id)
  })
}

/** Deletes a template that nothing uses. @throws NotFound; Conflict `template_in_use` naming what uses it. */
export async function deleteTemplate(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if ((await store.lockTemplate(tx, id)) === undefined) throw missing('template')
    const uses = await store.usesOf(tx, id)
    if (uses.length > 0) throw new Conflict('template_in_use', `The template is used by ${uses.join(', ')}.`)
    await store.markDeleted(tx, id, at)
    await note(tx, caller, { action: 'template.delete', id, changes: {} }, at)
  })
}

/** Shows a template that need not be stored. @throws Invalid 422 */
export async function previewContent(kernel: Kernel, body: Of<typeof TemplateBody>): Promise<Preview> {
  const content = inOrder(contentOf(body, EMPTY))
  await kernel.withRetries((db) => check(db, content))
  return previewTemplate(content, kernel.config.publicUrl)
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

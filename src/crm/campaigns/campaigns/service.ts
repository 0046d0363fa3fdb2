import { randomUUID } from 'node:crypto'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { Audience, Trigger } from '../../core/audience/audience.ts'
import { segmentCondition } from '../../core/audience/conditionsStore.ts'
import { moveCampaigns, moveDay } from '../../core/campaigns/countersStore.ts'
import { DELIVER_JOB } from '../../core/campaigns/jobs.ts'
import { dayOf } from '../../core/days.ts'
import { openLine } from '../../core/line/line.ts'
import { findTags } from '../../core/taggingStore.ts'
import { renderTemplate } from '../../core/templates/render.ts'
import { findTemplate, holdTemplate } from '../../core/templates/store.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import { ALLOWED, type CampaignAction } from './rules.ts'
import { startCampaign } from './starting.ts'
import * as store from './store.ts'

/** @throws NotFound */
export async function getCampaign(kernel: Kernel, id: number): Promise<store.Campaign> {
  const found = await kernel.withRetries((db) => store.findCampaign(db, id))
  if (!found) throw missing('campaign')
  return found
}

/** What a campaign names must exist, and fit together. @throws Invalid 422 */
async function check(db: Transaction, content: store.CampaignContent, now: Date): Promise<void> {
  const { target_audience: audience, trigger_condition: trigger, scheduled_at: at } = content
  const { include_tags: include = [], exclude_tags: exclude = [], segment_id: segment } = audience
  const known = new Set((await findTags(db, [...include, ...exclude])).map(({ id }) => id))
  const unknown = (name: string, ids: readonly number[]) =>
    ids.flatMap((id, n) => (known.has(id) ? [] : [fieldError(`/target_audience/${name}/${n}`, 'is no tag')]))
  const [from = 0, to = 0] = trigger?.days_range ?? []
  const faults = [
    ...((await holdTemplate(db, content.template_id)) ? [] : [fieldError('/template_id', 'is no template')]),
    ...unknown('include_tags', include),
    ...unknown('exclude_tags', exclude),
    ...(audience.type === 'tags' && include.length + exclude.length === 0
      ? [fieldError('/target_audience/include_tags', 'is required')]
      : []),
    ...(audience.type !== 'tags' && include.length + exclude.length > 0
      ? [fieldError('/target_audience/include_tags', 'does not fit the type')]
      : []),
    ...(audience.type === 'segment' && !(segment !== undefined && (await segmentCondition(db, segment, { lock: true })))
      ? [fieldError('/target_audience/segment_id', 'is no segment')]
      : []),
    ...(audience.type !== 'segment' && segment !== undefined
      ? [fieldError('/target_audience/segment_id', 'does not fit the type')]
      : []),
    ...(from > to ? [fieldError('/trigger_condition/days_range', 'must begin with the smaller number')] : []),
    ...(trigger !== null && at === null
      ? [fieldError('/scheduled_at', 'is required: it says when the condition is evaluated every day')]
      : []),
    ...(at !== null && at <= now ? [fieldError('/scheduled_at', 'must be in the future')] : []),
  ]
  if (faults.length > 0) throw invalidFields(faults)
}

/** Adds a campaign: scheduled if it has a time, else a draft. @throws Invalid 422 */
export async function addCampaign(
  kernel: Kernel,
  caller: Caller,
  content: store.CampaignContent,
): Promise<store.Campaign> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    await check(tx, content, at)
    const id = await store.insertCampaign(tx, content, caller.userId, at)
    await note(tx, caller, { action: 'campaign.add', id, changes: { title: [null, content.title] } }, at)
    return await stored(tx, id)
  })
}

export interface CampaignChange {
  readonly title?: string | undefined
  readonly template_id?: number | undefined
  readonly target_audience?: Audience | undefined
  readonly trigger_condition?: Trigger | null | undefined
  readonly scheduled_at?: Date | null | undefined
}

/** Changes a campaign that has not begun; absent fields stay. @throws NotFound; Conflict `bad_state`; Invalid 422 */
export async function changeCampaign(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: CampaignChange,
): Promise<store.Campaign> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const before = await locked(tx, id, 'change')
    if (before.template_version !== null) throw new Conflict('bad_state', 'The campaign has been sent already.')
    const content: store.CampaignContent = {
      title: change.title ?? before.title,
      template_id: change.template_id ?? before.template_id,
      target_audience: change.target_audience ?? before.target_audience,
      trigger_condition: change.trigger_condition === undefined ? before.trigger_condition : change.trigger_condition,
      scheduled_at: change.scheduled_at === undefined ? before.scheduled_at : change.scheduled_at,
    }
    await check(tx, content, at)
    await store.updateCampaign(tx, id, content, at)
    const changes = {
      title: [before.title, content.title],
      scheduled_at: [before.scheduled_at, content.scheduled_at],
    } as const
    await note(tx, caller, { action: 'campaign.change', id, changes }, at)
    return await stored(tx, id)
  })
}

/** Deletes a draft. @throws NotFound; Conflict `bad_state` */
export async function deleteCampaign(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await locked(tx, id, 'delete')
    await store.deleteCampaign(tx, id)
    await note(tx, caller, { action: 'campaign.delete', id, changes: { title: [before.title, null] } }, at)
  })
}

/** Sends a campaign now. Answers the number of recipients. Throws like `startCampaign`. */
export async function sendCampaign(kernel: Kernel, caller: Caller, id: number) {
  const { count, at } = await startCampaign(kernel, id)
  await kernel.transaction((tx) =>
    note(tx, caller, { action: 'campaign.send', id, changes: { recipients: [null, count] } }, at),
  )
  return { campaign_id: id, sent_count: count, sent_at: at }
}

/** Pauses a campaign that is being sent, or resumes it, or cancels it: recipients that wait are skipped then. */
export async function moveCampaign(
  kernel: Kernel,
  caller: Caller,
  id: number,
  action: 'pause' | 'resume' | 'cancel',
): Promise<store.Campaign> {
  const at = kernel.clock.now()
  const moved = await kernel.transaction(async (tx) => {
    const before = await locked(tx, id, action)
    if (action === 'pause') await store.setState(tx, id, 'paused', at)
    if (action === 'resume') {
      await store.setState(tx, id, before.trigger_condition === null ? 'sending' : 'scheduled', at)
      await kernel.jobs.send(tx, DELIVER_JOB, {})
    }
    if (action === 'cancel') {
      const skipped = await store.skipWaiting(tx, id, 'the campaign was cancelled')
      await moveCampaigns(tx, [{ campaignId: id, skipped }], at)
      await store.setState(tx, id, 'cancelled', at)
    }
    const after = await stored(tx, id)
    await note(tx, caller, { action: `campaign.${action}`, id, changes: { status: [before.status, after.status] } }, at)
    return after
  })
  kernel.nudge()
  return moved
}

/** Sends a finished campaign again to those for whom it failed. Answers their number. */
export async function retryFailed(kernel: Kernel, caller: Caller, id: number): Promise<number> {
  const at = kernel.clock.now()
  const count = await kernel.transaction(async (tx) => {
    await locked(tx, id, 'retry')
    const again = await store.tryAgain(tx, id, 'failed', at)
    if (again === 0) throw new Conflict('nothing_failed', 'There are no failed recipients.')
    await moveCampaigns(tx, [{ campaignId: id, failed: -again }], at)
    await store.setState(tx, id, 'sending', at)
    await kernel.jobs.send(tx, DELIVER_JOB, {})
    await note(tx, caller, { action: 'campaign.retry', id, changes: { recipients: [null, again] } }, at)
    return again
  })
  kernel.nudge()
  return count
}

/**
 * Decides about recipients of whom LINE never said whether it took the message: they count as sent or failed, or get it
 * (perhaps again). Answers their number.
 */
export async function decideUnknown(
  kernel: Kernel,
  caller: Caller,
  id: number,
  decision: 'sent' | 'failed' | 'resend',
): Promise<number> {
  const at = kernel.clock.now()
  const count = await kernel.transaction(async (tx) => {
    const before = await locked(tx, id, 'decide')
    const decided =
      decision === 'resend'
        ? await store.tryAgain(tx, id, 'unknown', at)
        : await store.decideUnknown(tx, id, decision, at)
    if (decided === 0) throw new Conflict('nothing_unknown', 'There are no unknown recipients.')
    await moveCampaigns(
      tx,
      [{ campaignId: id, unknown: -decided, ...(decision !== 'resend' && { [decision]: decided }) }],
      at,
    )
    if (decision === 'sent') await moveDay(tx, id, dayOf(kernel, at), { sent: decided })
    if (decision === 'resend' && (before.status === 'sent' || before.status === 'failed')) {
      await store.setState(tx, id, 'sending', at)
      await kernel.jobs.send(tx, DELIVER_JOB, {})
    }
    await note(tx, caller, { action: 'campaign.decide', id, changes: { unknown: [decided, decision] } }, at)
    return decided
  })
  kernel.nudge()
  return count
}

/** Sends a campaign's message to chosen members now, outside of its counts and without tracked links. */
export async function testSend(
  kernel: Kernel,
  caller: Caller,
  id: number,
  memberIds: readonly number[],
): Promise<{
  readonly sent: number
  readonly failed: readonly { readonly member_id: number; readonly reason: string }[]
}> {
  const campaign = await getCampaign(kernel, id)
  const line = await openLine(kernel)
  if (!line) throw new Conflict('line_not_set', 'No LINE channel is set.')
  const { template, users } = await kernel.withRetries(async (db) => ({
    template: await findTemplate(db, campaign.template_id),
    users: await store.lineUsers(db, memberIds),
  }))
  if (!template) throw new Conflict('template_gone', 'The template was deleted.')
  const { publicUrl: base } = kernel.config
  const options = {
    uriOf: ({ url }: { readonly url: string }) => url,
    postbackOf: () => 'crm:test',
    openImageUri: null,
    base,
  }
  const { messages } = renderTemplate(template, options)
  const failed: { member_id: number; reason: string }[] = []
  let sent = 0
  for (const memberId of memberIds) {
    const uid = users.get(memberId)
    const outcome = uid === undefined ? undefined : await line.push(uid, messages, randomUUID())
    if (outcome?.kind === 'accepted') sent += 1
    else failed.push({ member_id: memberId, reason: outcome ? outcome.reason : 'The member has no LINE account.' })
  }
  const at = kernel.clock.now()
  await kernel.transaction((tx) =>
    note(tx, caller, { action: 'campaign.test', id, changes: { members: [null, [...memberIds]] } }, at),
  )
  return { sent, failed }
}

async function locked(tx: Transaction, id: number, action: CampaignAction): Promise<store.Campaign> {
  const campaign = await store.lockCampaign(tx, id)
  if (!campaign) throw missing('campaign')
  if (ALLOWED[action].includes(campaign.status)) return campaign
  throw new Conflict('bad_state', `This can’t be done: the campaign is ${campaign.status}.`, {
    facts: { status: campaign.status },
  })
}

async function stored(tx: Transaction, id: number): Promise<store.Campaign> {
  const found = await store.findCampaign(tx, id)
  if (!found) throw missing('campaign')
  return found
}

async function note(
  tx: Transaction,
  caller: Caller,
  { action, id, changes }: { action: string; id: number; changes: Record<string, readonly [unknown, unknown]> },
  at: Date,
): Promise<void> {
  await record(tx, at, { ...originOf(caller), action, resource: 'campaign', resourceId: id, changes })
}

import { randomBytes } from 'node:crypto'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, DomainError, type FieldError } from '../../../kernel/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Refused } from '../../../kernel/notifications/providers/provider.ts'
import { notify } from '../../../kernel/outbox/outbox.ts'
import { localDate, localTime } from '../../../kernel/time.ts'
import { audienceSql, type Reach, reachOf } from '../../core/audience/audienceStore.ts'
import { DELIVER_JOB } from '../../core/campaigns/jobs.ts'
import { TOKEN_PLACE } from '../../core/campaigns/tokens.ts'
import { zoneOf } from '../../core/days.ts'
import { openLine } from '../../core/line/line.ts'
import { templateFaults } from '../../core/templates/faults.ts'
import { renderTemplate } from '../../core/templates/render.ts'
import { presentTemplate } from '../../core/templates/schemas.ts'
import { findTemplate, holdTemplate } from '../../core/templates/store.ts'
import type { Template } from '../../core/templates/types.ts'
import { missing } from '../../refusals.ts'
import { ALLOWED } from './rules.ts'
import * as store from './store.ts'

/** A template as a campaign sends it: the recipient's token has its place in the links. */
function renderForCampaign({ config }: Pick<Kernel, 'config'>, template: Template) {
  const { publicUrl: base } = config
  return renderTemplate(template, {
    uriOf: ({ position }) => `${base}/t/${TOKEN_PLACE}.${position}`,
    postbackOf: ({ position }) => `crm:${TOKEN_PLACE}.${position}`,
    openImageUri: `${base}/o/${TOKEN_PLACE}.png`,
    base,
  })
}

/** What is known before a campaign is sent. */
export interface Preflight {
  readonly reach: Reach
  /** Messages that LINE still takes this month; null: no limit. */
  readonly quota_left: number | null
  /** What is wrong with the messages, by LINE's words and ours. */
  readonly faults: readonly string[]
  readonly can_send: boolean
}

const wordsOf = ({ path, message }: FieldError) => `${path.slice(1)} ${message}`

/** Looks at all that could stop a campaign, and changes nothing. @throws NotFound */
export async function preflight(kernel: Kernel, id: number): Promise<Preflight> {
  const { template, reach } = await kernel.withRetries(async (db) => {
    const campaign = await store.findCampaign(db, id)
    if (!campaign) throw missing('campaign')
    const facts = { now: kernel.clock.now(), zone: zoneOf(kernel) }
    const audience = await audienceSql(db, campaign.target_audience, campaign.trigger_condition, facts)
    return {
      template: await findTemplate(db, campaign.template_id),
      reach: audience && (await reachOf(db, audience)),
    }
  })
  const faults = [
    ...(template ? templateFaults(template).map(wordsOf) : ['The template was deleted.']),
    ...(reach ? [] : ['The segment was deleted.']),
  ]
  const line = await openLine(kernel)
  if (!line) faults.push('No LINE channel is set.')
  let left: number | null = null
  if (line && template) {
    const { messages, isPersonal } = renderForCampaign(kernel, template)
    if (isPersonal && !kernel.config.publicUrl.startsWith('https:'))
      faults.push('PUBLIC_URL is not an https address, so phones can’t load pictures from this server.')
    try {
      const { limit, used } = await line.quota()
      left = limit === null ? null : Math.max(0, limit - used)
      faults.push(...(await line.validate(isPersonal ? 'push' : 'multicast', messages)))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      faults.push(`LINE: ${error.message}`)
    }
  }
  const shown = reach ?? { recipients: 0, no_line: 0, unfollowed: 0, no_marketing: 0 }
  if (left !== null && left < shown.recipients) faults.push('The messages of this month don’t suffice.')
  return { reach: shown, quota_left: left, faults, can_send: faults.length === 0 && shown.recipients > 0 }
}

/** Messages that LINE still takes this month; null: no limit. @throws Conflict `line_not_set`, `line_refused` */
async function quotaLeft(kernel: Kernel): Promise<number | null> {
  const line = await openLine(kernel)
  if (!line) throw new Conflict('line_not_set', 'No LINE channel is set.')
  try {
    const { limit, used } = await line.quota()
    return limit === null ? null : Math.max(0, limit - used)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    // What LINE can't tell now doesn't stop a campaign; a full quota would pause it.
    if (error.kind !== 'ours') return null
    throw new Conflict('line_refused', 'LINE refuses the channel access token.')
  }
}

/**
 * Starts a campaign: freezes what it sends and writes its recipients. Of two starts at once one succeeds.
 * @returns the number of recipients
 * @throws NotFound; Conflict `bad_state`, `no_recipients`, `quota_too_small`, `line_not_set`, `template_gone`,
 * `segment_gone`, `template_invalid`: nothing has changed then
 */
export async function startCampaign(
  kernel: Kernel,
  id: number,
): Promise<{ readonly count: number; readonly at: Date }> {
  const left = await quotaLeft(kernel)
  const at = kernel.clock.now()
  const count = await kernel.transaction((tx) => start(tx, kernel, id, left, at))
  kernel.nudge()
  return { count, at }
}

async function start(tx: Transaction, kernel: Kernel, id: number, left: number | null, at: Date): Promise<number> {
  const campaign = await store.lockCampaign(tx, id)
  if (!campaign) throw missing('campaign')
  if (!ALLOWED.send.includes(campaign.status))
    throw new Conflict('bad_state', `The campaign is ${campaign.status}.`, { facts: { status: campaign.status } })
  const template = await holdTemplate(tx, campaign.template_id)
  if (!template) throw new Conflict('template_gone', 'The template was deleted.')
  const faults = templateFaults(template)
  if (faults.length > 0) throw new Conflict('template_invalid', `The template: ${faults.map(wordsOf).join('; ')}`)
  const zone = zoneOf(kernel)
  const audience = await audienceSql(tx, campaign.target_audience, campaign.trigger_condition, { now: at, zone })
  if (!audience) throw new Conflict('segment_gone', 'The segment was deleted.')
  const { recipients: _count, ...excluded } = await reachOf(tx, audience)
  const isDaily = campaign.trigger_condition !== null
  if (campaign.template_version === null) {
    const { messages, links, isPersonal, summary } = renderForCampaign(kernel, template)
    const frozen = {
      version: template.version,
      template: presentTemplate(template),
      messages,
      links,
      isPersonal,
      summary,
    }
    const linkKey = randomBytes(32).toString('base64url')
    await store.freeze(tx, id, template.id, { ...frozen, linkKey, excluded }, at)
  }
  const isPersonal = await store.isPersonalCampaign(tx, id)
  const count = await store.resolveRecipients(tx, id, audience, isPersonal, at)
  if (count === 0 && !isDaily) throw new Conflict('no_recipients', 'Nobody is left to send it to.')
  if (left !== null && count > left)
    throw new Conflict('quota_too_small', `LINE takes only ${left} more messages this month.`, { facts: { left } })
  if (isDaily) await store.noteEvaluated(tx, id, localDate(at, zone))
  await store.setState(tx, id, isDaily ? 'scheduled' : 'sending', at)
  await kernel.jobs.send(tx, DELIVER_JOB, {})
  return count
}

/**
 * Job of every minute: starts the campaigns that are due, and sends what waits for its next try. A campaign that can't
 * start fails, and its creator is told; a daily one waits for the next day.
 */
export async function runDue(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const zone = zoneOf(kernel)
  const today = localDate(now, zone)
  const due = await store.dueCampaigns(kernel.db, now, today, localTime(now, zone).slice(0, 5), zone)
  for (const id of due) {
    try {
      await startCampaign(kernel, id)
    } catch (error) {
      if (!(error instanceof DomainError) || error.status >= 500) throw error
      await fail(kernel, id, error, today)
    }
  }
  if (await store.isWaiting(kernel.db, now)) await kernel.transaction((tx) => kernel.jobs.send(tx, DELIVER_JOB, {}))
}

async function fail(kernel: Kernel, id: number, error: DomainError, today: string): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const campaign = await store.lockCampaign(tx, id)
    if (campaign?.status !== 'scheduled') return
    const isDaily = campaign.trigger_condition !== null
    if (isDaily) await store.noteEvaluated(tx, id, today)
    const fault = { code: error.code, message: error.message }
    await store.setState(tx, id, isDaily ? 'scheduled' : 'failed', at, fault)
    if (campaign.created_by === null) return
    await notify(tx, at, {
      type: 'crm.campaign_failed',
      userIds: [campaign.created_by.id],
      data: { title: campaign.title, reason: error.message },
      key: `crm.campaign_failed:${id}:${today}`,
    })
  })
  kernel.nudge()
}

import { randomUUID } from 'node:crypto'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { type CampaignMove, moveCampaigns, moveDay } from '../../core/campaigns/countersStore.ts'
import { type GivenToken, isToken, readToken } from '../../core/campaigns/tokens.ts'
import { dayOf } from '../../core/days.ts'
import { touchMember } from '../../core/membersStore.ts'
import { insertMessage } from '../../core/messagesStore.ts'
import { recipientNow } from '../../core/recipientsStore.ts'
import { tagMembers } from '../../core/taggingStore.ts'
import { renderTemplate } from '../../core/templates/render.ts'
import { findTemplate } from '../../core/templates/store.ts'
import * as store from './store.ts'

/** Reads a token and checks it by its campaign's key. */
async function checked(kernel: Kernel, text: string): Promise<GivenToken | undefined> {
  const given = readToken(text)
  if (!given) return undefined
  const key = await kernel.withRetries((db) => store.linkKeyOf(db, given.campaignId))
  return key !== undefined && isToken(key, given) ? given : undefined
}

/**
 * Follows a link of a campaign: counts the click, puts the interaction tags on the member, and sends the template that
 * the link asks for.
 * @returns where to go; `url` null: nowhere, the answer comes in the chat. Undefined if the link is not ours.
 */
export async function followLink(kernel: Kernel, text: string): Promise<{ readonly url: string | null } | undefined> {
  const given = await checked(kernel, text)
  if (!given || given.position === null) return undefined
  const { campaignId, position } = given
  const link = await kernel.withRetries((db) => store.findLink(db, campaignId, position))
  if (!link) return undefined
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const seen = await note(kernel, tx, given, true, at)
    // The recipient's row is gone only if members were merged; the link still leads where it led.
    if (!seen || seen.isDeleted) return
    const { recipientId, memberId } = seen
    await store.insertClick(tx, { campaignId, recipientId, memberId, linkId: link.id }, at)
    await tagMembers(tx, [memberId], link.tags, { source: 'click', campaignId }, at)
    if (link.templateId !== null) await answerWith(kernel, tx, memberId, link.templateId, at)
  })
  kernel.nudge()
  return { url: link.url }
}

/** Notes that a message was opened. Returns whether the token is a campaign's. */
export async function noteOpened(kernel: Kernel, text: string): Promise<boolean> {
  const given = await checked(kernel, text)
  if (!given || given.position !== null) return false
  await kernel.transaction((tx) => note(kernel, tx, given, false, kernel.clock.now()))
  return true
}

/** Moves the recipient, and the counters of the campaign and the day. */
async function note(kernel: Kernel, tx: Transaction, given: GivenToken, clicks: boolean, at: Date) {
  const { campaignId } = given
  const seen = (await noteRecipient(tx, given, clicks, at)) ?? (await noteRecipient(tx, given, clicks, at))
  if (!seen) return undefined
  const opened = seen.wasOpened ? 0 : 1
  const clicked = clicks && !seen.wasClicked ? 1 : 0
  const sent = seen.newlySent ? 1 : 0
  const left: Partial<CampaignMove> =
    seen.before === 'failed' || seen.before === 'unknown' || seen.before === 'skipped' ? { [seen.before]: -1 } : {}
  if (!seen.isDeleted) await touchMember(tx, seen.memberId, at)
  if (opened + clicked + sent > 0) {
    await moveCampaigns(tx, [{ campaignId, opened, clicked, sent, ...left }], at)
    await moveDay(tx, campaignId, dayOf(kernel, at), { opened, clicked, sent })
  }
  return seen
}

/** Notes it on the recipient; undefined if there is none, or if a merge has just put another one in its place. */
async function noteRecipient(tx: Transaction, { recipientId: id, campaignId }: GivenToken, clicks: boolean, at: Date) {
  const recipientId = await recipientNow(tx, id)
  if (recipientId === undefined) return undefined
  const seen = await store.noteSeen(tx, { id: recipientId, campaignId, clicks }, at)
  return seen && { ...seen, recipientId }
}

/** Queues a template as an answer in the chat. */
async function answerWith(
  kernel: Kernel,
  tx: Transaction,
  memberId: number,
  templateId: number,
  at: Date,
): Promise<void> {
  const template = await findTemplate(tx, templateId)
  if (!template) return
  const { messages, summary } = renderTemplate(template, {
    uriOf: ({ url }) => url,
    postbackOf: () => 'crm:none',
    openImageUri: null,
    base: kernel.config.publicUrl,
  })
  await insertMessage(
    tx,
    {
      ...{ memberId, content: summary, direction: 'outgoing', type: 'template', sender: 'auto', createdAt: at },
      ...{ status: 'queued', payload: messages, retryKey: randomUUID(), nextTryAt: at },
    },
    dayOf(kernel, at),
  )
}

import { setTimeout } from 'node:timers/promises'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify } from '../../../kernel/outbox/outbox.ts'
import { moveCampaigns, moveDay } from '../../core/campaigns/countersStore.ts'
import { DELIVER_JOB } from '../../core/campaigns/jobs.ts'
import { retryKeyOf, TOKEN_PLACE, tokenOf } from '../../core/campaigns/tokens.ts'
import { dayOf } from '../../core/days.ts'
import { CALL_MS, type LineApi } from '../../core/line/api.ts'
import { takePace } from '../../core/line/channelStore.ts'
import { openLine } from '../../core/line/line.ts'
import type { LineMessage, Outcome } from '../../core/line/types.ts'
import { countMessages } from '../../core/messagesStore.ts'
import { crmSettings } from '../../settings.ts'
import { type Fate, fateOf, isLost, MOST_TRIES, pauseSeconds, type Stop, stopOf } from './rules.ts'
import * as store from './store.ts'

/** Milliseconds for which a worker has a batch. It makes no call that could end after that. */
const LEASE_MS = 45_000
/** Batches that a process works on at once, and calls of a batch. */
const BATCHES_AT_ONCE = 4
const CALLS_AT_ONCE = 25
/** Milliseconds after which a run of the job ends, so that a process can stop; the job goes on as a new one. */
const RUN_MS = 20_000
/** Milliseconds to wait for the bucket of the rate limit. */
const PACE_MS = 25

/** Job: sends what waits, until nothing is due. Several processes may run it at once. */
export async function deliverCampaigns(kernel: Kernel): Promise<void> {
  const line = await openLine(kernel)
  if (!line) return
  const started = performance.now()
  const work = async () => {
    while (performance.now() - started < RUN_MS) {
      const now = kernel.clock.now()
      const batch = await kernel.withRetries((db) => store.claimBatch(db, now, new Date(now.getTime() + LEASE_MS)))
      if (!batch) return false
      await deliverBatch(kernel, line, batch)
    }
    return true
  }
  const more = await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work))
  if (more.includes(true)) await kernel.transaction((tx) => kernel.jobs.send(tx, DELIVER_JOB, {}))
}

/** The fate of each recipient of a batch, and what stops the campaign. */
interface Result {
  readonly fates: ReadonlyMap<number, Fate>
  readonly stop?: Stop | undefined
  /** A multicast that LINE refuses goes on by pushes, so that one wrong user doesn't stop the others. */
  readonly asPush?: boolean
}

async function deliverBatch(kernel: Kernel, line: LineApi, batch: store.ClaimedBatch): Promise<void> {
  const recipients = await kernel.withRetries((db) => store.waitingRecipients(db, batch.id))
  const result = await callFor(kernel, line, batch, recipients)
  if (!result) return
  await kernel.transaction((tx) => recordResult(kernel, tx, batch, result))
  await kernel.withRetries((db) => store.finishCampaign(db, batch.campaignId, kernel.clock.now()))
}

/** Makes the calls of a batch; undefined if another worker has it by now. */
async function callFor(
  kernel: Kernel,
  line: LineApi,
  batch: store.ClaimedBatch,
  recipients: readonly store.WaitingRecipient[],
): Promise<Result | undefined> {
  if (batch.unheardSince !== null) return await repeatCalls(kernel, line, batch, recipients)
  const ready = recipients.filter(({ obstacle }) => obstacle === null)
  if (!(await begin(kernel, batch, recipients))) return undefined
  if (ready.length === 0) return { fates: new Map() }
  if (batch.kind === 'push') return await pushAll(kernel, line, batch, ready)
  const outcome = await multicast(kernel, line, batch, ready)
  if (outcome.kind !== 'refused') return { fates: fatesOf(ready, fateOf(outcome)), stop: stopOf(outcome) }
  const again: Fate = { kind: 'again', reason: outcome.reason, counts: false, afterSeconds: 0 }
  return { fates: fatesOf(ready, again), asPush: true }
}

/**
 * Skips the recipients who may not get the message any more, and marks the batch as being in doubt, both before the
 * first call. So a repeat of the call has the same recipients, as LINE requires.
 * @returns whether the claim still holds
 */
async function begin(
  kernel: Kernel,
  batch: store.ClaimedBatch,
  recipients: readonly store.WaitingRecipient[],
): Promise<boolean> {
  const at = kernel.clock.now()
  const skipped = recipients.flatMap(({ id, obstacle: reason }): store.Settled[] =>
    reason === null ? [] : [{ id, status: 'skipped', reason }],
  )
  return await kernel.transaction(async (tx) => {
    if (!(await store.holdsClaim(tx, batch))) return false
    await settle(kernel, tx, batch, skipped, at)
    await store.beginCalls(tx, batch, at)
    return true
  })
}

/** Repeats calls that were made, or may have been, with the same keys, bodies and recipients. */
async function repeatCalls(
  kernel: Kernel,
  line: LineApi,
  batch: store.ClaimedBatch,
  recipients: readonly store.WaitingRecipient[],
): Promise<Result> {
  if (isLost(batch.unheardSince, kernel.clock.now())) {
    const reason = 'LINE did not answer, and after 24 hours can’t be asked again'
    return { fates: fatesOf(recipients, { kind: 'unknown', reason }) }
  }
  if (batch.kind === 'multicast' && recipients.length > 0) {
    const outcome = await multicast(kernel, line, batch, recipients)
    // LINE refuses a repeat with other recipients: one of the first call is gone. Nobody knows whether it was taken.
    const fate: Fate = outcome.kind === 'refused' ? { kind: 'unknown', reason: outcome.reason } : fateOf(outcome)
    return { fates: fatesOf(recipients, fate), stop: stopOf(outcome) }
  }
  const ready = recipients.filter(({ obstacle }) => obstacle === null)
  const { fates, stop } = await pushAll(kernel, line, batch, ready)
  const doubtful = recipients.flatMap(({ id, obstacle: reason }): [number, Fate][] =>
    reason === null ? [] : [[id, { kind: 'unknown', reason }]],
  )
  return { fates: new Map([...fates, ...doubtful]), stop }
}

/** The same fate for all. */
function fatesOf(recipients: readonly store.WaitingRecipient[], fate: Fate): ReadonlyMap<number, Fate> {
  return new Map(recipients.map(({ id }) => [id, fate]))
}

/** Waits for a call under the rate limit. */
async function pace(kernel: Kernel, kind: 'push' | 'multicast', wanted: number): Promise<number> {
  const { pushesPerSecond, multicastsPerSecond } = crmSettings.of(kernel.config)
  const limit = kind === 'push' ? pushesPerSecond : multicastsPerSecond
  for (;;) {
    const taken = await kernel.withRetries((db) => takePace(db, kind, limit, wanted))
    if (taken > 0) return taken
    await setTimeout(PACE_MS)
  }
}

async function multicast(
  kernel: Kernel,
  line: LineApi,
  batch: store.ClaimedBatch,
  ready: readonly store.WaitingRecipient[],
): Promise<Outcome> {
  await pace(kernel, 'multicast', 1)
  const to = ready.map(({ lineUid }) => lineUid)
  return await line.multicast(to, batch.messages, retryKeyOf(batch.linkKey, 'multicast', batch.id, batch.round))
}

/** Pushes to each recipient. Ends early if the campaign has to stop, and before the lease ends. */
async function pushAll(
  kernel: Kernel,
  line: LineApi,
  batch: store.ClaimedBatch,
  ready: readonly store.WaitingRecipient[],
): Promise<Result> {
  const fates = new Map<number, Fate>()
  const text = JSON.stringify(batch.messages)
  const last = performance.now() + LEASE_MS - 2 * CALL_MS
  let stop: Stop | undefined
  let next = 0
  let allowed = 0
  let taking: Promise<void> | undefined
  const allow = async () => {
    while (allowed === 0) {
      taking ??= pace(kernel, 'push', Math.min(CALLS_AT_ONCE, ready.length - next + 1)).then((taken) => {
        allowed += taken
        taking = undefined
      })
      await taking
    }
    allowed -= 1
  }
  const work = async () => {
    while (next < ready.length && stop === undefined && performance.now() < last) {
      const recipient = ready[next]
      next += 1
      if (!recipient) return
      await allow()
      const token = tokenOf(batch.linkKey, batch.campaignId, recipient.id)
      const messages: LineMessage[] = JSON.parse(text.replaceAll(TOKEN_PLACE, token))
      const key = retryKeyOf(batch.linkKey, 'push', recipient.id, batch.round)
      const outcome = await line.push(recipient.lineUid, messages, key)
      fates.set(recipient.id, fateOf(outcome))
      stop ??= stopOf(outcome)
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work))
  for (const { id } of ready)
    if (!fates.has(id)) fates.set(id, { kind: 'again', reason: 'not yet called', counts: false, afterSeconds: 0 })
  return { fates, stop }
}

/** Records what became of a batch, all in one transaction. A late worker only records what LINE accepted. */
async function recordResult(kernel: Kernel, tx: Transaction, batch: store.ClaimedBatch, result: Result): Promise<void> {
  const at = kernel.clock.now()
  const holds = await store.holdsClaim(tx, batch)
  const isReplay = batch.unheardSince !== null
  const tries = batch.tries + ([...result.fates.values()].some((fate) => fate.kind === 'again' && fate.counts) ? 1 : 0)
  const settled = [...result.fates].flatMap(([id, fate]): store.Settled[] => {
    if (!holds && fate.kind !== 'sent') return []
    if (fate.kind === 'again')
      return tries >= MOST_TRIES && fate.counts
        ? [{ id, status: isReplay ? 'unknown' : 'failed', reason: fate.reason }]
        : []
    if (fate.kind === 'unheard') return []
    return [{ id, status: fate.kind, reason: fate.kind === 'sent' ? null : fate.reason }]
  })
  await settle(kernel, tx, batch, settled, at)
  if (!holds) return
  const waiting = [...result.fates].filter(([id]) => !settled.some((one) => one.id === id))
  const unheard = waiting.filter(([, fate]) => fate.kind === 'unheard')
  const again = waiting.filter(([, fate]) => fate.kind === 'again').map(([id]) => id)
  const asked = waiting.flatMap(([, fate]) =>
    fate.kind === 'again' && fate.afterSeconds !== undefined ? [fate.afterSeconds] : [],
  )
  const nextTry = new Date(at.getTime() + pauseSeconds(tries, asked.length > 0 ? Math.max(...asked) : undefined) * 1000)
  // A recipient of an earlier doubtful call stays in doubt, whatever this call said but `sent`.
  if (unheard.length > 0 && again.length > 0 && !isReplay)
    await store.splitBatch(tx, batch, again, { at: nextTry, tries })
  const unheardSince = unheard.length > 0 || (isReplay && waiting.length > 0) ? (batch.unheardSince ?? at) : null
  await store.releaseBatch(tx, batch, { at: nextTry, tries, unheardSince, kind: result.asPush ? 'push' : batch.kind })
  if (result.stop) await pause(tx, batch.campaignId, result.stop, at)
}

async function settle(
  kernel: Kernel,
  tx: Transaction,
  batch: store.ClaimedBatch,
  settled: readonly store.Settled[],
  at: Date,
): Promise<void> {
  if (settled.length === 0) return
  const done = await store.settleRecipients(tx, settled, at)
  const count = (status: store.Settled['status']) => done.filter((one) => one.status === status).length
  const { campaignId } = batch
  await moveCampaigns(
    tx,
    [
      {
        campaignId,
        sent: count('sent'),
        failed: count('failed'),
        skipped: count('skipped'),
        unknown: count('unknown'),
      },
    ],
    at,
  )
  const reached = done.filter(({ status }) => status === 'sent').map(({ memberId }) => memberId)
  if (reached.length === 0) return
  const day = dayOf(kernel, at)
  await store.insertMessages(tx, reached, batch, at)
  await moveDay(tx, campaignId, day, { sent: reached.length })
  await countMessages(tx, day, { direction: 'outgoing', sender: 'campaign' }, reached.length)
}

async function pause(tx: Transaction, campaignId: number, stop: Stop, at: Date): Promise<void> {
  const paused = await store.pauseCampaign(tx, campaignId, stop, at)
  if (paused?.createdBy == null) return
  await notify(tx, at, {
    type: 'crm.campaign_paused',
    userIds: [paused.createdBy],
    data: { title: paused.title, reason: stop.code === 'quota' ? '本月訊息額度已用完' : 'LINE 拒絕了頻道權杖' },
    key: `crm.campaign_paused:${campaignId}:${at.toISOString()}`,
  })
}

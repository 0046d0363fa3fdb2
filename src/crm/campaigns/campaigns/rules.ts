/** The states of a campaign. */
export const CAMPAIGN_STATES = ['draft', 'scheduled', 'sending', 'paused', 'sent', 'failed', 'cancelled'] as const
export type CampaignState = (typeof CAMPAIGN_STATES)[number]

/** What people do with campaigns. */
export type CampaignAction = 'change' | 'delete' | 'send' | 'pause' | 'resume' | 'cancel' | 'retry' | 'decide'

/** The states in which each action is allowed (page «Campaign states»; seed: only drafts are deleted). */
export const ALLOWED: Readonly<Record<CampaignAction, readonly CampaignState[]>> = {
  change: ['draft', 'scheduled'],
  delete: ['draft'],
  send: ['draft', 'scheduled'],
  pause: ['sending'],
  resume: ['paused'],
  cancel: ['scheduled', 'sending', 'paused'],
  retry: ['sent', 'failed'],
  decide: ['sending', 'paused', 'sent', 'failed', 'scheduled', 'cancelled'],
}

/** A rate in percent with one decimal; 0 of nothing. */
export function rateOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1000) / 10
}

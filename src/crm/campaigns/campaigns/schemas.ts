import { Type } from 'typebox'
import { Id, Instant, InstantInput, Nullable, Text } from '../../../kernel/http/schemas.ts'
import { Audience, Trigger } from '../../core/audience/audience.ts'
import { TEMPLATE_TYPES } from '../../core/templates/types.ts'
import { CAMPAIGN_STATES, rateOf } from './rules.ts'
import type { Campaign } from './store.ts'

export const State = Type.Enum([...CAMPAIGN_STATES])
const Count = Type.Integer({ minimum: 0 })

export const CampaignBody = Type.Object({
  title: Text(100),
  template_id: Id,
  target_audience: Audience,
  trigger_condition: Type.Optional(Nullable(Trigger)),
  scheduled_at: Type.Optional(Nullable(InstantInput)),
})

export const CampaignChange = Type.Object({
  title: Type.Optional(Text(100)),
  template_id: Type.Optional(Id),
  target_audience: Type.Optional(Audience),
  trigger_condition: Type.Optional(Nullable(Trigger)),
  scheduled_at: Type.Optional(Nullable(InstantInput)),
})

const row = {
  id: Id,
  title: Type.String(),
  template: Type.Object({ id: Id, type: Type.Enum([...TEMPLATE_TYPES]), name: Nullable(Type.String()) }),
  status: State,
  sent_count: Count,
  opened_count: Count,
  clicked_count: Count,
  open_rate: Type.Number(),
  click_rate: Type.Number(),
  scheduled_at: Nullable(Instant),
  sent_at: Nullable(Instant),
  created_at: Instant,
}

export const CampaignRow = Type.Object(row, { title: 'CrmCampaignRow' })

export const CampaignAnswer = Type.Object(
  {
    ...row,
    template_id: Id,
    template: Type.Unsafe<object>({
      type: 'object',
      additionalProperties: true,
      description: 'The template as it was sent, or as it is now.',
    }),
    target_audience: Audience,
    trigger_condition: Nullable(Trigger),
    recipient_count: Count,
    pending_count: Count,
    failed_count: Count,
    unknown_count: Type.Integer({ minimum: 0, description: 'LINE never said whether it took the message.' }),
    skipped_count: Count,
    excluded: Nullable(
      Type.Object(
        { no_line: Count, unfollowed: Count, no_marketing: Count },
        { description: 'Members left out, by reason.' },
      ),
    ),
    error_code: Nullable(Type.String()),
    error_message: Nullable(Type.String()),
    created_by: Nullable(Type.Object({ id: Id, username: Type.String(), full_name: Type.String() })),
    updated_at: Nullable(Instant),
  },
  { title: 'CrmCampaign' },
)

export function presentRow(campaign: Campaign) {
  return {
    ...campaign,
    open_rate: rateOf(campaign.opened_count, campaign.sent_count),
    click_rate: rateOf(campaign.clicked_count, campaign.sent_count),
  }
}

export function presentCampaign(campaign: Campaign, template: object) {
  const { recipient_count: all, sent_count, failed_count, unknown_count, skipped_count } = campaign
  return {
    ...presentRow(campaign),
    template,
    pending_count: all - sent_count - failed_count - unknown_count - skipped_count,
  }
}

import { Type } from 'typebox'
import { Id, LocalDate, type Of } from '../../kernel/http/schemas.ts'
import { type HistoryFilter, STATES } from '../../kernel/notifications/delivery/history.ts'
import { dayBounds } from '../../kernel/time.ts'
import { ChannelOrInbox, TypeKey } from './schemas.ts'

/** By what the history is searched, its export too. */
export const historyFilters = {
  channel: Type.Optional(ChannelOrInbox),
  state: Type.Optional(Type.Enum([...STATES])),
  type: Type.Optional(TypeKey),
  user_id: Type.Optional(Id),
  from: Type.Optional(LocalDate),
  to: Type.Optional(LocalDate),
}
const HistoryFilters = Type.Object(historyFilters)

/** What a query of the history asks for. */
export function historyFilter(query: Of<typeof HistoryFilters>, zone: string): HistoryFilter {
  return {
    channel: query.channel,
    state: query.state,
    type: query.type,
    userId: query.user_id,
    from: query.from === undefined ? undefined : dayBounds(query.from, zone).start,
    to: query.to === undefined ? undefined : dayBounds(query.to, zone).end,
  }
}

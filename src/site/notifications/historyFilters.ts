import { Type } from 'typebox'
import { Id, LocalDate, type Of } from '../../kernel/http/schemas.ts'
import { type HistoryFilter, STATES } from '../../kernel/notifications/delivery/history.ts'
import { dayBounds } from '../../kernel/time.ts'
import { ChannelOrInbox, TypeKey } from './schemas.ts'

/** Filters of the history and of its export. */
export const historyFilters = {
  channel: Type.Optional(ChannelOrInbox),
  state: Type.Optional(Type.Enum([...STATES])),
  type: Type.Optional(TypeKey),
  user_id: Type.Optional(Id),
  from: Type.Optional(LocalDate),
  to: Type.Optional(LocalDate),
}
const HistoryFilters = Type.Object(historyFilters)

/** Converts a query to a filter of the history. */
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

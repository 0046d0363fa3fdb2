import { type PageQuery, pageAnswer, pageAsked } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { presentSession } from './schemas.ts'
import * as service from './service.ts'
import type { SessionFilter, SessionSort } from './store.ts'

/** One page of sessions in the shape of the answer. */
export async function listSessions(
  kernel: Kernel,
  filter: SessionFilter,
  query: PageQuery & { readonly sort: SessionSort | `-${SessionSort}` },
) {
  const page = pageAsked(query)
  const { items, total } = await service.listSessions(kernel, filter, page)
  const shown = items.map((session) => presentSession(session, kernel.config.timeZone))
  return pageAnswer(shown, total, query)
}

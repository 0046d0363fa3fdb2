import type { Database } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { crmSettings } from '../../settings.ts'
import { type LineApi, lineApi } from './api.ts'
import { channelOf } from './channelStore.ts'

/** LINE's API for the channel in force; undefined if no channel is set. Not inside a transaction that then waits for it. */
export async function openLine(
  kernel: Pick<Kernel, 'config' | 'secrets' | 'db'>,
  db: Database = kernel.db,
): Promise<LineApi | undefined> {
  const channel = await channelOf(kernel, db)
  const { lineBaseUrl: baseUrl, lineDataBaseUrl: dataBaseUrl } = crmSettings.of(kernel.config)
  return channel && lineApi(channel, { baseUrl, dataBaseUrl })
}

import { pino } from 'pino'
import { createSystem, type System } from '../../src/app.ts'
import type { Config } from '../../src/kernel/settings.ts'
import type { World } from './world.ts'

/** A second process of a world's program on the same database; `config` says what is configured otherwise there. */
export async function openAnotherProcess(
  world: World,
  config: Partial<Config> = {},
): Promise<System & { readonly address: string }> {
  const duties = { serve: true, work: false }
  const log = pino({ level: 'silent' })
  const system = await createSystem({ ...world.config, ...config }, world.clock, log, world.database, duties)
  await system.start()
  const address = await system.app?.listen({ port: 0, host: '127.0.0.1' })
  return { ...system, address: address ?? '' }
}

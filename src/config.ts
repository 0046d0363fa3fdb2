import { onOff, someOf } from './config/kinds.ts'
import { type Environment, misspelt, readSettings } from './config/read.ts'
import { defineSettings, setting, type Values, type Variable } from './config/settings.ts'
import { configOf, kernelSettings, type LoadedConfig } from './kernel/settings.ts'
import { PRODUCTS } from './products.ts'
import { supportSettings } from './support/settings.ts'

/** Settings that switch parts on. */
const switches = defineSettings({
  products: setting(
    'Process',
    'PRODUCTS',
    someOf(PRODUCTS.map(({ name }) => name)),
    PRODUCTS.filter(({ isUnfinished }) => !isUnfinished).map(({ name }) => name),
    'The products that are switched on. `crm` is still being built.',
  ),
  support: setting(
    'Process',
    'SUPPORT',
    onOff,
    true,
    'Whether the site offers feedback, frequent questions, tickets and the support chat.',
  ),
})

type Switches = Values<typeof switches.variables>

const ALL = [switches, kernelSettings, supportSettings, ...PRODUCTS.map(({ settings }) => settings)]

/** Every environment variable of the program, the kernel's first. */
export const variables: readonly Variable<unknown>[] = ALL.flatMap((part) => Object.values(part.variables))

/**
 * Reads every environment variable once.
 * @throws ConfigurationError with every problem at once: variable, given value, allowed values.
 */
export function loadConfig(env: Environment): LoadedConfig & Switches {
  const read = readSettings(ALL, env)
  const known = variables.map(({ name }) => name)
  return { ...switchesOf(read), ...configOf(read, misspelt(known, Object.keys(env))) }
}

/** The parts that a configuration switches on. */
export const switchesOf = switches.of

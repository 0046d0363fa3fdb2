import type { Config } from '../../config.ts'
import type { Provider } from './providers/provider.ts'
import type { Catalogue } from './texts/catalogue.ts'

/** What a process tells people with. */
export interface Engine {
  readonly catalogue: Catalogue
  readonly providers: readonly Provider[]
}

/** By configuration, as kernels that differ in their database handle share it. */
const engines = new WeakMap<object, Engine>()

/** Says what a process tells people with. */
export function installEngine(config: Config, engine: Engine): void {
  engines.set(config, engine)
}

/** What the process of a kernel tells people with. @throws Error when it has nothing. */
export function engineOf({ config }: { readonly config: Config }): Engine {
  const engine = engines.get(config)
  if (!engine) throw new Error('this process tells nobody anything')
  return engine
}

/** The types and texts of the process of a kernel. @throws Error when it has none. */
export function catalogueOf(kernel: { readonly config: Config }): Catalogue {
  return engineOf(kernel).catalogue
}

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * A package that is loaded when it is first used: many processes never need it, and each costs time and memory. A package that is not
 * installed still ends the start. `Module` is `typeof import('name')`.
 */
export function late<Module>(name: string): () => Module {
  require.resolve(name)
  let loaded: { readonly module: Module } | undefined
  return () => {
    loaded ??= { module: require(name) }
    return loaded.module
  }
}

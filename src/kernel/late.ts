import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Loads a package at its first use, because many processes never need it and loading costs time and memory. A package
 * that is not installed still fails the start. `Module` is `typeof import('name')`.
 */
export function late<Module>(name: string): () => Module {
  require.resolve(name)
  let loaded: { readonly module: Module } | undefined
  return () => {
    loaded ??= { module: require(name) }
    return loaded.module
  }
}

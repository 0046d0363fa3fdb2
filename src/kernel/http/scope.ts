import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Contract } from '../product.ts'
import type { App } from './app.ts'
import type { Refusals } from './config.ts'

/** Whose routes a scope holds and how it refuses. */
export interface Scope {
  /** The product's name: its part of the API reference. */
  readonly product: string
  readonly contract: Contract
  /** What its refusals look like in the API reference; problem documents unless said. */
  readonly refusals?: Refusals
}

/**
 * Opens an encapsulated scope in which `register` declares routes (now or after awaiting something). They all answer errors through the
 * scope's contract, those of validation and of missing permissions included.
 */
export async function openScope(app: App, scope: Scope, register: (app: App) => unknown): Promise<void> {
  await app.register(async (instance) => {
    const inside = instance.withTypeProvider<TypeBoxTypeProvider>()
    inside.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...scope }
    })
    await register(inside)
  })
}

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { App } from './app.ts'
import type { Contract } from './contract.ts'
import { absentWhenEmpty } from './request/inspection.ts'
import { createValidatorCompiler } from './request/validation.ts'

/** The part that owns the routes of a scope, and its contract. */
export interface Scope {
  /** The part's name; also names its document of the API reference. */
  readonly product: string
  readonly contract: Contract
  /** Prefix of every path. The API reference shows the paths without it and names it as a server of the part. */
  readonly prefix?: string
}

/**
 * Opens an encapsulated scope in which `register` declares routes, synchronously or not. All of them read requests and
 * answer errors as the scope's contract says, including validation errors and missing permissions.
 */
export async function openScope(app: App, scope: Scope, register: (app: App) => unknown): Promise<void> {
  const { product, contract, prefix = '' } = scope
  if (prefix !== '') app.basePrefixes.set(product, [...(app.basePrefixes.get(product) ?? []), prefix])
  await app.register(
    async (instance) => {
      const inside = instance.withTypeProvider<TypeBoxTypeProvider>()
      const { overlooksUnknownFields, emptyParametersAreAbsent: emptyIsAbsent } = contract
      if (overlooksUnknownFields || emptyIsAbsent) {
        inside.setValidatorCompiler(createValidatorCompiler({ overlooksUnknownFields, emptyIsAbsent }))
      }
      if (emptyIsAbsent) inside.addHook('preValidation', absentWhenEmpty)
      inside.addHook('onRoute', (route) => {
        route.config = { ...route.config, product, contract }
        if (prefix !== '') route.schema = { ...route.schema, hide: true }
      })
      await register(inside)
    },
    { prefix },
  )
}

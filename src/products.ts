import { clinicSettings } from './clinic/settings.ts'
import type { AnySettings } from './config/settings.ts'
import { crmSettings } from './crm/settings.ts'
import type { Product } from './kernel/product.ts'
import { roomSettings } from './room/settings.ts'
import { venueSettings } from './venue/settings.ts'

/** A product. Only its settings are loaded before it is switched on. */
interface ProductEntry {
  readonly name: string
  readonly settings: AnySettings
  /** Still being built: only on if PRODUCTS names it. */
  readonly isUnfinished?: true
  load(): Promise<Product>
}

/** All products of this program; PRODUCTS says which are switched on. A new product is one line here. */
export const PRODUCTS: readonly ProductEntry[] = [
  { name: 'venue', settings: venueSettings, load: async () => (await import('./venue/product.ts')).venue },
  { name: 'room', settings: roomSettings, load: async () => (await import('./room/product.ts')).room },
  { name: 'clinic', settings: clinicSettings, load: async () => (await import('./clinic/product.ts')).clinic },
  {
    name: 'crm',
    settings: crmSettings,
    isUnfinished: true,
    load: async () => (await import('./crm/product.ts')).crm,
  },
]

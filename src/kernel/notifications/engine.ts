import type { Provider } from './providers/provider.ts'
import type { Catalogue } from './texts/catalogue.ts'

/** The types and texts of notifications, and the configured providers. */
export interface NotificationEngine {
  readonly catalogue: Catalogue
  readonly providers: readonly Provider[]
}

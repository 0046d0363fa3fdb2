import type { App } from '../kernel/http/app.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Live } from '../kernel/product.ts'
import { chatRoutes } from './chat/routes.ts'
import { faqRoutes } from './faqs/routes.ts'
import { feedbackRoutes } from './feedback/routes.ts'
import { ticketRoutes } from './tickets/routes.ts'

/** Routes of feedback, frequent questions, tickets and chat. */
export function supportRoutes(app: App, kernel: Kernel, live: Live): void {
  feedbackRoutes(app, kernel)
  faqRoutes(app, kernel)
  ticketRoutes(app, kernel)
  chatRoutes(app, kernel, live)
}

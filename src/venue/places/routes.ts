import type { App } from '../../kernel/http/app.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { calendarRoutes } from './slots/calendar/routes.ts'
import '../constraints.ts'
import { bookingRulesRoutes } from './bookingRules/routes.ts'
import { facilityRoutes } from './facilities/routes.ts'
import { openingHoursRoutes } from './openingHours/routes.ts'
import { slotRoutes } from './slots/routes.ts'
import { sportVenueRoutes } from './sportVenues/routes.ts'
import { venueRoutes } from './venues/routes.ts'

/** Routes of everything that can be booked: buildings, venues, their equipment, hours, rules, slots and calendars. */
export function catalogueRoutes(app: App, kernel: Kernel): void {
  sportVenueRoutes(app, kernel)
  venueRoutes(app, kernel)
  facilityRoutes(app, kernel)
  openingHoursRoutes(app, kernel)
  bookingRulesRoutes(app, kernel)
  slotRoutes(app, kernel)
  calendarRoutes(app, kernel)
}

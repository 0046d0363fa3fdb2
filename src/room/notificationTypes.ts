import type { NotificationType } from '../kernel/notifications/texts/types.ts'
import { banNotificationTypes } from './bans/notificationTypes.ts'
import { bookingNotificationTypes } from './bookings/notificationTypes.ts'
import { closureNotificationTypes } from './closures/notificationTypes.ts'
import { noShowNotificationTypes } from './noShows/notificationTypes.ts'

export const notificationTypes: readonly NotificationType[] = [
  ...banNotificationTypes,
  ...bookingNotificationTypes,
  ...closureNotificationTypes,
  ...noShowNotificationTypes,
]

import type { NotificationType } from '../kernel/notifications/texts/types.ts'
import { bookingNotificationTypes } from './core/notificationTypes.ts'
import { banNotificationTypes } from './people/bans/notificationTypes.ts'
import { noShowNotificationTypes } from './people/noShows/notificationTypes.ts'
import { closureNotificationTypes } from './places/closures/notificationTypes.ts'

export const notificationTypes: readonly NotificationType[] = [
  ...banNotificationTypes,
  ...bookingNotificationTypes,
  ...closureNotificationTypes,
  ...noShowNotificationTypes,
]

import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'

/** Types of notifications about reservations that a closure or a changed slot has ended. */
export type ClosureNotification = 'reservation.closed' | 'reservation.slot_changed'

/** Template text that lists the slots a person could book instead, one a line. */
export const alternativesText =
  '{% if alternatives.size > 0 %}\n可选时段：{% for slot in alternatives %}\n{{ forloop.index }}. ' +
  '{{ slot.venue_name }} {{ slot.date }} {{ slot.start_time }}–{{ slot.end_time }}' +
  '（时段编号 {{ slot.time_slot_id }}）{% endfor %}{% endif %}'

const choices =
  '{% if rebook_url != "" %}\n\n积分已全额退还（{{ points_returned }} 分）。您可在 {{ rebook_until }} 前按原价改约一次，且不受提前预约天数限制。' +
  `${alternativesText}\n\n改约：{{ rebook_url }}{% endif %}`

const place = {
  venue_id: 3,
  venue_name: '羽毛球 1 号场',
  date: '2026-03-14',
  start_time: '09:00',
  end_time: '10:00',
}
const sample = {
  ...place,
  reservation_id: 42,
  status: 'displaced',
  reason: '场馆维护',
  points_returned: 5,
  rebook_until: '2026-03-28T09:00:00+08:00',
  rebook_url: 'https://gym.example.com/api/v1/reservations/42/rebook',
  alternatives: [
    {
      time_slot_id: 77,
      venue_id: 3,
      venue_name: '羽毛球 1 号场',
      date: '2026-03-14',
      start_time: '11:00',
      end_time: '12:00',
    },
  ],
}

const urgent = { category: 'reservation', urgent: true, channels: ['websocket', 'email'], sample } as const

/**
 * Notification types for closures, maintenance and changed slots: the `ClosureNotification`s, and one for waiting
 * lists.
 */
export const closureNotificationTypes: readonly NotificationType[] = [
  {
    ...urgent,
    key: 'reservation.closed',
    title: '场馆关闭',
    subject:
      '{{ venue_name }} {{ date }} {{ start_time }} 的预约' +
      '{% if status == "completed" %}提前结束{% else %}已取消{% endif %}：{{ reason }}',
    body:
      '很抱歉，由于{{ reason }}，您在 {{ venue_name }} {{ date }} {{ start_time }}–{{ end_time }} 的预约' +
      `{% if status == "completed" %}已提前结束{% else %}已取消{% endif %}。${choices}`,
  },
  {
    ...urgent,
    key: 'reservation.slot_changed',
    title: '预约时段调整',
    subject: '{{ venue_name }} {{ date }} {{ start_time }} 的时段有调整',
    body: `很抱歉，您在 {{ venue_name }} {{ date }} {{ start_time }}–{{ end_time }} 预约的时段有调整（{{ reason }}），原预约已取消。${choices}`,
  },
  {
    ...urgent,
    key: 'waiting_list.closed',
    title: '等候已结束',
    subject: '{{ venue_name }} {{ date }} {{ start_time }} 的等候已结束：{{ reason }}',
    body:
      '很抱歉，由于{{ reason }}，您等候的 {{ venue_name }} {{ date }} {{ start_time }}–{{ end_time }} 不再开放，' +
      '等候名单已结束。{% if offered %}为您保留的名额也已取消。{% endif %}',
    sample: { ...place, waiting_list_id: 7, reason: '场馆维护', offered: true },
  },
]

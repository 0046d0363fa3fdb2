/** The caller. */
export type Who = 'nobody' | 'employee' | 'administrator'

/** A step of a walk: caller, operation, body, expected status, and the name under which its id is remembered. */
export interface Step<Caller extends string> {
  readonly as: Caller
  /** Hours by which the clock moves before the step. */
  readonly hours?: number
  /** Method and path as in the published document. */
  readonly call: string
  readonly body?: object
  readonly status?: number
  readonly remember?: string
  /** Expected content of the answer, as the published document shows it. */
  readonly shows?: object
}

const hall = { name: '一号馆', location: 'Building 1' }
const gym = { name: 'Gym A', location: 'Building 1', capacity: 50, status: 'open', notice: 'Please wear sports shoes' }
const rules = { max_reservations_per_user: 3, advance_booking_days: 7, requires_approval: true }
const credentials = { username: 'lisi', password: 'violet-harbour-42' }
const slotOn = (date: string, hour = 10) => ({ date, start_time: `${hour}:00`, end_time: `${hour + 1}:00` })
const nobody = 'nobody' as const
const employee = 'employee' as const
const administrator = 'administrator' as const

/**
 * The endpoints of the published document, in an order that works. `{slot}` stands for the id that was remembered as
 * `slot`.
 */
export const WALK: readonly Step<Who>[] = [
  // Users
  { as: nobody, call: 'POST /api/v1/users/register', body: credentials, status: 201, shows: { username: 'lisi' } },
  { as: nobody, call: 'POST /api/v1/users/login', body: credentials, shows: { token_type: 'bearer' } },
  { as: employee, call: 'GET /api/v1/users/me', shows: { id: '{me}' } },
  { as: employee, call: 'PUT /api/v1/users/me', body: { display_name: '李四' }, shows: { display_name: '李四' } },
  { as: administrator, call: 'GET /api/v1/users/{me}', shows: { id: '{me}' } },
  {
    as: administrator,
    call: 'PUT /api/v1/users/{me}',
    body: { department: '研发部' },
    shows: { department: '研发部' },
  },
  // Sport venues
  { as: administrator, call: 'POST /api/v1/sport-venues', body: hall, status: 201, remember: 'hall' },
  { as: nobody, call: 'GET /api/v1/sport-venues', shows: { total: 1 } },
  { as: nobody, call: 'GET /api/v1/sport-venues/{hall}', shows: hall },
  { as: administrator, call: 'PUT /api/v1/sport-venues/{hall}', body: { location: 'Building 2' } },
  { as: nobody, call: 'GET /api/v1/sport-venues/{hall}/maintenance', shows: { total: 0 } },
  // Venues
  { as: administrator, call: 'POST /api/v1/venues', body: gym, status: 201, remember: 'venue', shows: gym },
  { as: nobody, call: 'GET /api/v1/venues', shows: { total: 1 } },
  { as: nobody, call: 'GET /api/v1/venues/{venue}', shows: gym },
  { as: administrator, call: 'PUT /api/v1/venues/{venue}', body: { capacity: 1 }, shows: { capacity: 1 } },
  // Facilities
  {
    as: administrator,
    call: 'POST /api/v1/venues/{venue}/facilities',
    body: { name: 'Net' },
    status: 201,
    remember: 'net',
  },
  { as: nobody, call: 'GET /api/v1/venues/{venue}/facilities', shows: { total: 1 } },
  { as: nobody, call: 'GET /api/v1/facilities/{net}', shows: { name: 'Net' } },
  { as: administrator, call: 'PUT /api/v1/facilities/{net}', body: { status: 'broken' }, shows: { status: 'broken' } },
  { as: nobody, call: 'GET /api/v1/facilities/{net}/maintenance', shows: { total: 0 } },
  { as: administrator, call: 'DELETE /api/v1/facilities/{net}', status: 204 },
  // Opening hours and slots
  { as: administrator, call: 'PUT /api/v1/venues/{venue}/opening-hours', body: { weekly: [] } },
  { as: nobody, call: 'GET /api/v1/venues/{venue}/opening-hours' },
  {
    as: administrator,
    call: 'POST /api/v1/venues/{venue}/reservation-time-slots',
    body: slotOn('2026-03-05'),
    status: 201,
    remember: 'slot',
    shows: slotOn('2026-03-05'),
  },
  { as: nobody, call: 'GET /api/v1/venues/{venue}/reservation-time-slots', shows: { total: 1 } },
  {
    as: administrator,
    call: 'PUT /api/v1/venues/{venue}/reservation-time-slots/{slot}',
    body: slotOn('2026-03-05', 11),
    shows: slotOn('2026-03-05', 11),
  },
  // Rules
  { as: nobody, call: 'GET /api/v1/venues/{venue}/rules', shows: { advance_booking_days: null } },
  { as: administrator, call: 'PUT /api/v1/venues/{venue}/rules', body: { advance_booking_days: 30 } },
  // Booking
  { as: nobody, call: 'GET /api/v1/venues/{venue}/calendar', shows: { venue_id: '{venue}' } },
  {
    as: employee,
    call: 'POST /api/v1/venues/{venue}/check-conflict',
    body: slotOn('2026-03-05', 11),
    shows: { conflict: false },
  },
  {
    as: employee,
    call: 'POST /api/v1/reservations',
    body: { user_id: '{me}', time_slot_id: '{slot}' },
    status: 201,
    remember: 'booked',
    shows: { user_id: '{me}', time_slot_id: '{slot}', status: 'confirmed' },
  },
  { as: employee, call: 'GET /api/v1/reservations', shows: { total: 1 } },
  { as: employee, call: 'GET /api/v1/reservations/{booked}', shows: { id: '{booked}' } },
  { as: employee, call: 'POST /api/v1/reservations/{booked}/confirm', shows: { success: true } },
  { as: employee, call: 'POST /api/v1/reservations/{booked}/reminder', shows: { success: true } },
  {
    as: administrator,
    call: 'POST /api/v1/reservations/{booked}/change-notice',
    body: { message: '开始时间推迟十分钟' },
    shows: { success: true },
  },
  { as: employee, call: 'GET /api/v1/reservations/{booked}/alternatives', shows: { reservation_id: '{booked}' } },
  // The waiting list of the slot of another person's reservation, which the administrator may see.
  {
    as: administrator,
    call: 'POST /api/v1/reservations/{booked}/waiting-list',
    body: {},
    status: 201,
    remember: 'entry',
  },
  { as: employee, call: 'GET /api/v1/venues/{venue}/waiting-list', shows: { total: 1 } },
  { as: administrator, call: 'DELETE /api/v1/waiting-list/{entry}', shows: { state: 'left' } },
  { as: employee, call: 'DELETE /api/v1/reservations/{booked}', shows: { status: 'cancelled' } },
  // Status and maintenance
  {
    as: administrator,
    call: 'PATCH /api/v1/venues/{venue}/status',
    body: { status: 'closed' },
    shows: { affected: [] },
  },
  { as: administrator, call: 'PUT /api/v1/venues/{venue}/status', body: { status: 'open' }, shows: { status: 'open' } },
  {
    as: administrator,
    call: 'POST /api/v1/venues/{venue}/maintenance',
    body: { start_time: '2026-04-05T00:00:00', end_time: '2026-04-06T00:00:00', reason: '更换地板' },
    status: 201,
    remember: 'plan',
    shows: { affected: [] },
  },
  { as: nobody, call: 'GET /api/v1/maintenance/{plan}', shows: { state: 'planned' } },
  { as: administrator, call: 'DELETE /api/v1/maintenance/{plan}', shows: { state: 'cancelled' } },
  { as: administrator, call: 'DELETE /api/v1/venues/{venue}/reservation-time-slots/{slot}', status: 204 },
  // Notifications and logs
  { as: employee, call: 'GET /api/v1/notifications' },
  { as: employee, call: 'GET /api/v1/notifications/unread-count' },
  { as: employee, call: 'GET /api/v1/logs/me' },
  { as: administrator, call: 'GET /api/v1/logs/user/{me}' },
  { as: administrator, call: 'GET /api/v1/logs' },
  { as: employee, call: 'GET /api/v1/venues/{venue}/ratings', shows: { count: 0 } },
  // The back office
  { as: administrator, call: 'GET /api/admin/users' },
  { as: administrator, call: 'GET /api/admin/users/{me}', shows: { id: '{me}' } },
  {
    as: administrator,
    call: 'PUT /api/admin/users/{me}',
    body: { department: '市场部' },
    shows: { department: '市场部' },
  },
  { as: administrator, call: 'GET /api/admin/venues', shows: { total: 1 } },
  {
    as: administrator,
    call: 'POST /api/admin/venues',
    body: { ...gym, name: 'Gym B' },
    status: 201,
    remember: 'venue',
  },
  { as: administrator, call: 'GET /api/admin/venues/{venue}', shows: { name: 'Gym B' } },
  { as: administrator, call: 'PUT /api/admin/venues/{venue}', body: { capacity: 2 }, shows: { capacity: 2 } },
  {
    as: administrator,
    call: 'POST /api/admin/venues/{venue}/facilities',
    body: { name: 'Ball' },
    status: 201,
    remember: 'ball',
  },
  { as: administrator, call: 'GET /api/admin/venues/{venue}/facilities', shows: { total: 1 } },
  { as: administrator, call: 'GET /api/admin/facilities/{ball}', shows: { name: 'Ball' } },
  { as: administrator, call: 'PUT /api/admin/facilities/{ball}', body: { quantity: 3 }, shows: { quantity: 3 } },
  { as: administrator, call: 'DELETE /api/admin/facilities/{ball}', status: 204 },
  {
    as: administrator,
    call: 'POST /api/admin/venues/{venue}/reservation-time-slots',
    body: slotOn('2026-03-06'),
    status: 201,
    remember: 'slot',
  },
  { as: administrator, call: 'GET /api/admin/venues/{venue}/reservation-time-slots', shows: { total: 1 } },
  {
    as: administrator,
    call: 'PUT /api/admin/venues/{venue}/reservation-time-slots/{slot}',
    body: { capacity: 5 },
    shows: { capacity: 5 },
  },
  {
    as: employee,
    call: 'POST /api/v1/reservations',
    body: { time_slot_id: '{slot}' },
    status: 201,
    remember: 'booked',
  },
  { as: administrator, call: 'GET /api/admin/reservations' },
  { as: administrator, call: 'GET /api/admin/reservations/{booked}', shows: { user_id: '{me}' } },
  {
    as: administrator,
    call: 'PUT /api/admin/reservations/{booked}',
    body: { status: 'cancelled' },
    shows: { status: 'cancelled' },
  },
  {
    as: employee,
    call: 'POST /api/v1/reservations',
    body: { time_slot_id: '{slot}' },
    status: 201,
    remember: 'booked',
  },
  { as: administrator, call: 'DELETE /api/admin/reservations/{booked}', shows: { status: 'cancelled' } },
  { as: administrator, call: 'DELETE /api/admin/venues/{venue}/reservation-time-slots/{slot}', status: 204 },
  { as: administrator, call: 'DELETE /api/admin/venues/{venue}', status: 204 },
  // The administrator's walk-through
  { as: administrator, call: 'POST /api/venues', body: { ...gym, name: 'Gym C' }, status: 201, remember: 'venue' },
  { as: administrator, call: 'PUT /api/venues/{venue}', body: { capacity: 3 }, shows: { capacity: 3 } },
  {
    as: administrator,
    call: 'POST /api/venues/{venue}/time-slots',
    body: slotOn('2026-03-07'),
    status: 201,
    remember: 'slot',
    shows: slotOn('2026-03-07'),
  },
  {
    as: administrator,
    call: 'PUT /api/venues/{venue}/time-slots/{slot}',
    body: { capacity: 2 },
    shows: { capacity: 2 },
  },
  { as: administrator, call: 'POST /api/venues/{venue}/rules', body: rules, shows: rules },
  { as: nobody, call: 'GET /api/venues/{venue}/rules', shows: rules },
  // The employee's walk-through, in a venue that requires approval
  { as: nobody, call: 'GET /api/venues' },
  { as: nobody, call: 'GET /api/venues/{venue}', shows: { name: 'Gym C' } },
  { as: nobody, call: 'GET /api/venues/{venue}/calendar', shows: { venue_id: '{venue}' } },
  {
    as: employee,
    call: 'POST /api/reservations',
    body: { user_id: '{me}', time_slot_id: '{slot}' },
    status: 201,
    remember: 'booked',
    shows: { success: true, message: 'Reservation created successfully' },
  },
  { as: administrator, call: 'GET /api/reservations/pending', shows: { total: 1 } },
  {
    as: administrator,
    call: 'PUT /api/reservations/{booked}/approve',
    body: { status: 'confirmed' },
    shows: { status: 'confirmed' },
  },
  { as: employee, call: 'POST /api/notifications/reservations/{booked}/confirm', shows: { success: true } },
  { as: employee, call: 'POST /api/notifications/reservations/{booked}/reminder', shows: { success: true } },
  { as: employee, call: 'DELETE /api/reservations/{booked}', shows: { id: '{booked}', status: 'cancelled' } },
  { as: administrator, call: 'PUT /api/venues/{venue}/status', body: { status: 'maintenance' } },
  {
    as: administrator,
    call: 'POST /api/venues/{venue}/maintenance',
    body: { start_time: '2026-03-08T00:00:00', end_time: '2026-03-09T00:00:00' },
    status: 201,
  },
  { as: administrator, call: 'DELETE /api/venues/{venue}/time-slots/{slot}', status: 204 },
  { as: administrator, call: 'DELETE /api/venues/{venue}', status: 204 },
  // Feedback
  { as: employee, call: 'POST /api/v1/feedback', body: { content: '很好' }, status: 201, remember: 'feedback' },
  { as: employee, call: 'GET /api/v1/feedback', shows: { total: 1 } },
  { as: administrator, call: 'GET /api/admin/feedback', shows: { total: 1 } },
  {
    as: administrator,
    call: 'POST /api/admin/feedback/{feedback}/reply',
    body: { content: '谢谢' },
    status: 201,
    shows: { status: 'replied' },
  },
  { as: employee, call: 'GET /api/v1/feedback/{feedback}', shows: { replies: 1 } },
  // Support
  { as: nobody, call: 'GET /api/v1/support/faqs', shows: { total: 0 } },
  {
    as: employee,
    call: 'POST /api/v1/support/tickets',
    body: { subject: '无法登录', description: '一直转圈' },
    status: 201,
    remember: 'ticket',
  },
  { as: employee, call: 'GET /api/v1/support/tickets', shows: { total: 1 } },
  { as: administrator, call: 'GET /api/admin/support/tickets', shows: { total: 1 } },
  {
    as: administrator,
    call: 'PUT /api/admin/support/tickets/{ticket}',
    body: { status: 'resolved' },
    shows: { status: 'resolved' },
  },
  { as: employee, call: 'POST /api/support/chat', status: 201, shows: { status: 'bot' } },
  // Messages that administrators write
  ...(['email', 'sms', 'im'] as const).map((channel) => ({
    as: administrator,
    call: `POST /api/notifications/${channel}`,
    body: { to: { condition: { kind: 'role', in: ['admin'] } }, subject: '周末开放', body: '本周末照常开放。' },
    status: 202,
    shows: { recipients: 1 },
  })),
  // Deletions and the log-out
  { as: administrator, call: 'POST /api/v1/venues', body: { ...gym, name: 'Gym D' }, status: 201, remember: 'venue' },
  { as: administrator, call: 'DELETE /api/v1/venues/{venue}', status: 204 },
  { as: administrator, call: 'DELETE /api/v1/sport-venues/{hall}', status: 204 },
  { as: administrator, call: 'DELETE /api/v1/users/{other}', status: 204 },
  { as: administrator, call: 'DELETE /api/admin/users/{another}', status: 204 },
  { as: employee, call: 'POST /api/v1/users/logout', status: 204 },
  // Statistics
  { as: administrator, call: 'GET /api/v1/stats/user-reservations', shows: { group_by: 'user' } },
  { as: administrator, call: 'GET /api/v1/stats/user-activity', shows: { group_by: 'user' } },
  { as: administrator, call: 'GET /api/v1/stats/venue-usage', shows: { group_by: 'venue' } },
  { as: administrator, call: 'GET /api/v1/stats/venue-feedback', shows: { group_by: 'venue' } },
  { as: administrator, call: 'GET /api/v1/stats/facility-usage', shows: { group_by: 'facility' } },
]

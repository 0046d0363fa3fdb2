import type { Step } from './walk.ts'

/** The caller; `user` books in the portal. */
export type RoomWho = 'nobody' | 'user' | 'administrator'

const nobody = 'nobody' as const
const user = 'user' as const
const administrator = 'administrator' as const

const credentials = { username: 'zhangsan', password: 'violet-harbour-42' }
const building = { buildingName: '信息楼', status: '0', remark: '' }
const room = { floorNo: 2, roomName: '会议室201', capacity: 20, equipmentTags: '白板,电视', status: '0' }
const setting = { auditRequired: true, maxDurationMinutes: 4320 }
const participants = { userIdList: ['{me}', '{other}', '{another}'] }
/** A booking request for a day of March 2026; the world begins on Monday the 2nd, 08:00. */
const bookingBody = (day: number, roomId = '{room}') => {
  const date = `2026-03-${String(day).padStart(2, '0')}`
  const times = { startTime: `${date} 09:00:00`, endTime: `${date} 12:00:00` }
  return { roomId, purpose: '会议', ...times, ...participants }
}
const done = { msg: '操作成功' }

/**
 * Every operation of the room product, in an order that works. `{room}` stands for the id that was remembered as
 * `room`.
 */
export const ROOM_WALK: readonly Step<RoomWho>[] = [
  // The published web client
  { as: nobody, call: 'GET /captchaImage', shows: { captchaEnabled: false } },
  { as: nobody, call: 'POST /register', body: credentials, shows: done },
  { as: nobody, call: 'POST /login', body: credentials, shows: done },
  { as: user, call: 'GET /getInfo', shows: { user: { userId: '{me}' }, roles: [], permissions: [] } },
  { as: administrator, call: 'GET /getInfo', shows: { roles: ['admin'], permissions: ['*:*:*'] } },
  { as: user, call: 'GET /getRouters', shows: { data: [] } },
  {
    as: user,
    call: 'PUT /system/user/profile/updatePwd',
    body: { oldPassword: 'amber-lantern-77', newPassword: credentials.password },
    status: 500,
    shows: { msg: '旧密码错误' },
  },
  { as: nobody, call: 'POST /logout', shows: done },
  // 楼房管理
  { as: administrator, call: 'POST /manage/facility/building', body: building, remember: 'building' },
  { as: administrator, call: 'GET /manage/facility/building/list', shows: { rows: [building], total: 1 } },
  {
    as: administrator,
    call: 'GET /manage/facility/building/{building}',
    shows: { data: { id: '{building}', ...building } },
  },
  {
    as: administrator,
    call: 'PUT /manage/facility/building',
    body: { ...building, id: '{building}', remark: '东区' },
    shows: done,
  },
  { as: administrator, call: 'POST /manage/facility/building', body: { buildingName: '旧楼' }, remember: 'old' },
  { as: administrator, call: 'DELETE /manage/facility/building/{old}', shows: done },
  // 房间管理
  {
    as: administrator,
    call: 'POST /manage/facility/room',
    body: { buildingId: '{building}', ...room },
    remember: 'room',
  },
  {
    as: administrator,
    call: 'GET /manage/facility/room/list?buildingId={building}&floorNo=2&status=0&pageNum=1&pageSize=10',
    shows: { rows: [{ id: '{room}', buildingId: '{building}', ...room }], total: 1 },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/room/{room}',
    shows: { data: { id: '{room}', buildingId: '{building}', ...room } },
  },
  {
    as: administrator,
    call: 'PUT /manage/facility/room',
    body: { id: '{room}', buildingId: '{building}', ...room, capacity: 12 },
    shows: done,
  },
  { as: administrator, call: 'PUT /manage/facility/room/{room}/enable?enable=false', shows: done },
  { as: administrator, call: 'PUT /manage/facility/room/{room}/enable?enable=true', shows: done },
  {
    as: administrator,
    call: 'POST /manage/facility/room',
    body: { ...room, buildingId: '{building}', roomName: '仓库', floorNo: -1 },
    remember: 'cellar',
  },
  { as: administrator, call: 'DELETE /manage/facility/room/{cellar}', shows: done },
  { as: administrator, call: 'GET /manage/facility/room/importTemplate' },
  { as: administrator, call: 'POST /manage/facility/room/importTemplate' },
  { as: administrator, call: 'POST /manage/facility/room/export?buildingId={building}' },
  // Without a workbook it is refused; the tests of rooms import one.
  { as: administrator, call: 'POST /manage/facility/room/import', status: 500 },
  // 审核与时长设置
  { as: administrator, call: 'GET /manage/facility/setting/audit-required', shows: { data: setting } },
  { as: administrator, call: 'PUT /manage/facility/setting/audit-required', body: setting, shows: done },
  { as: user, call: 'GET /portal/facility/setting', shows: { data: { ...setting, minParticipants: 3 } } },
  // 预约治理
  {
    as: administrator,
    call: 'POST /manage/facility/booking',
    body: bookingBody(3),
    remember: 'theirs',
    shows: { code: 200 },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/booking/my/list?status=0&pageNum=1&pageSize=10',
    shows: {
      rows: [{ id: '{theirs}', roomId: '{room}', durationMinutes: 180, status: '0', rejectReason: null }],
      total: 1,
    },
  },
  {
    as: administrator,
    call: 'PUT /manage/facility/booking/{theirs}',
    body: { purpose: '讨论', startTime: '2026-03-03 10:00:00', endTime: '2026-03-03 12:00:00', ...participants },
    shows: { code: 200 },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/booking/{theirs}',
    shows: {
      data: {
        booking: { id: '{theirs}', purpose: '讨论', startTime: '2026-03-03 10:00:00', durationMinutes: 120 },
        meta: { roomName: '会议室201', buildingName: '信息楼', statusText: '待审核' },
      },
    },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/booking/audit/list?bookingId={theirs}&buildingId={building}&roomId={room}&from=2026-03-03+00:00:00&to=2026-03-04+00:00:00',
    shows: { rows: [{ id: '{theirs}', status: '0' }], total: 1 },
  },
  { as: administrator, call: 'PUT /manage/facility/booking/{theirs}/approve', shows: done },
  {
    as: administrator,
    call: 'GET /manage/facility/room/{room}/timeline?from=2026-03-02+00:00:00&to=2026-03-09+00:00:00',
    shows: {
      data: {
        roomId: '{room}',
        range: { from: '2026-03-02 00:00:00', to: '2026-03-09 00:00:00' },
        segments: [{ id: '{theirs}', start: '2026-03-03 10:00:00', end: '2026-03-03 12:00:00', status: 'approved' }],
      },
    },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/building/{building}/gantt',
    shows: {
      data: {
        buildingId: '{building}',
        items: [{ roomId: '{room}', roomName: '会议室201', floorNo: 2, segments: [{ id: '{theirs}' }] }],
      },
    },
  },
  // The portal
  { as: user, call: 'GET /portal/facility/building/list', shows: { rows: [{ id: '{building}' }], total: 1 } },
  {
    as: user,
    call: 'GET /portal/facility/room/list?from=2026-03-02+09:00:00&to=2026-03-02+10:00:00&capacity=12&equipmentTags=%E7%94%B5%E8%A7%86',
    shows: { rows: [{ id: '{room}', bookable: true }], total: 1 },
  },
  { as: user, call: 'GET /portal/facility/room/{room}', shows: { data: { id: '{room}', bookable: true } } },
  {
    as: user,
    call: 'GET /portal/facility/room/{room}/timeline',
    shows: { data: { segments: [{ id: '{theirs}', status: 'approved' }] } },
  },
  {
    as: user,
    call: 'GET /portal/facility/room/free?start=2026-03-03+10:00:00&end=2026-03-03+11:00:00',
    shows: { data: { rooms: [], nearest: [{ start: '2026-03-03 09:00:00', room: { id: '{room}' } }] } },
  },
  { as: user, call: 'GET /portal/facility/user/search?keyword=zhang', shows: { data: [{ userName: 'zhangsan' }] } },
  {
    as: user,
    call: 'POST /portal/facility/booking',
    body: bookingBody(2),
    remember: 'mine',
    shows: { data: { status: '0' } },
  },
  {
    as: user,
    call: 'PUT /portal/facility/booking/{mine}',
    body: { id: '{mine}', purpose: '班会', startTime: '2026-03-02 09:00:00', endTime: '2026-03-02 12:00:00' },
    shows: { data: { status: '0' } },
  },
  { as: user, call: 'GET /portal/facility/booking/{mine}', shows: { data: { booking: { purpose: '班会' } } } },
  {
    as: user,
    call: 'GET /portal/facility/booking/my/list',
    shows: { rows: [{ id: '{mine}', roomName: '会议室201', buildingName: '信息楼' }], total: 1 },
  },
  { as: user, call: 'GET /portal/facility/booking/joined/list', shows: { rows: [{ id: '{theirs}' }], total: 1 } },
  { as: user, call: 'PUT /portal/facility/booking/{theirs}/leave', shows: done },
  { as: user, call: 'GET /portal/facility/booking/my/calendar-link' },
  { as: user, call: 'POST /portal/facility/booking/my/calendar-link/reset' },
  { as: user, call: 'GET /portal/facility/booking/my/calendar.ics' },
  { as: user, call: 'POST /portal/facility/booking', body: bookingBody(5), remember: 'off' },
  { as: user, call: 'DELETE /portal/facility/booking/{off}', shows: done },
  {
    as: user,
    call: 'POST /portal/facility/booking/recurring',
    body: { ...bookingBody(6), weeks: 2 },
    remember: 'series',
    shows: { data: { booked: [{ date: '2026-03-06' }, { date: '2026-03-13' }], failed: [] } },
  },
  { as: user, call: 'DELETE /portal/facility/booking/series/{series}', shows: { code: 200 } },
  { as: user, call: 'GET /portal/facility/notice/list', shows: { code: 200 } },
  { as: user, call: 'GET /portal/facility/notice/unread-count', shows: { code: 200 } },
  { as: user, call: 'PUT /portal/facility/notice/read', body: {}, shows: { data: { unread: 0 } } },
  // 审核, several at once
  {
    as: administrator,
    call: 'PUT /manage/facility/booking/audit/approve',
    body: { ids: ['{mine}'] },
    shows: { data: [{ id: '{mine}', code: 200 }] },
  },
  { as: administrator, call: 'POST /manage/facility/booking', body: bookingBody(9), remember: 'bad' },
  { as: administrator, call: 'PUT /manage/facility/booking/{bad}/reject', body: { reason: '用途不明' }, shows: done },
  { as: administrator, call: 'POST /manage/facility/booking', body: bookingBody(9), remember: 'worse' },
  {
    as: administrator,
    call: 'PUT /manage/facility/booking/audit/reject',
    body: { ids: ['{worse}', '{bad}'], reason: '用途不明' },
    shows: {
      data: [
        { id: '{worse}', code: 200 },
        { id: '{bad}', code: 409 },
      ],
    },
  },
  { as: administrator, call: 'POST /manage/facility/booking', body: bookingBody(10), remember: 'away' },
  { as: administrator, call: 'DELETE /manage/facility/booking/{away}', shows: done },
  { as: administrator, call: 'POST /manage/facility/booking', body: bookingBody(10), remember: 'forced' },
  { as: administrator, call: 'DELETE /manage/facility/booking/{forced}/force?reason=%E5%81%9C%E7%94%B5', shows: done },
  { as: administrator, call: 'GET /manage/facility/booking/list?noShow=false', shows: { total: 9 } },
  { as: administrator, call: 'GET /manage/facility/booking/export?status=3' },
  { as: administrator, call: 'POST /manage/facility/booking/export?status=3' },
  // 提前结束: today's booking has been running since nine.
  {
    as: user,
    hours: 1.5,
    call: 'PUT /portal/facility/booking/{mine}/end-early',
    body: { endTime: '2026-03-02 10:30:00' },
    shows: done,
  },
  {
    as: administrator,
    call: 'PUT /manage/facility/booking/{mine}/end-early',
    body: { endTime: '2026-03-02 09:00:00' },
    shows: done,
  },
  {
    as: user,
    call: 'GET /portal/facility/booking/{mine}',
    shows: { data: { booking: { endTime: '2026-03-02 09:30:00', status: '5' } } },
  },
  { as: administrator, call: 'PUT /manage/facility/booking/{mine}/no-show', shows: done },
  { as: administrator, call: 'DELETE /manage/facility/booking/{mine}/no-show', shows: done },
  // 排行榜
  {
    as: administrator,
    call: 'GET /manage/facility/top/room?period=7d',
    shows: { data: [{ rank: 1, roomName: '会议室201', buildingName: '信息楼', totalMinutes: 30, bookingCount: 1 }] },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/top/user?period=30d',
    shows: { data: [{ rank: 1, userId: '{me}', totalMinutes: 30, bookingCount: 1 }] },
  },
  { as: user, call: 'GET /portal/facility/top/room?period=30d', shows: { data: [{ roomId: '{room}' }] } },
  {
    as: administrator,
    call: 'GET /manage/facility/statistics/usage?from=2026-03-02+09:00:00&to=2026-03-02+10:00:00&buildingId={building}',
    shows: { data: { total: { occupiedHours: 0.5, openHours: 1, rate: 0.5 } } },
  },
  // 封禁管理
  {
    as: administrator,
    call: 'POST /manage/facility/ban',
    body: { userId: '{other}', reason: '多次违约', expireTime: '2026-12-01 00:00:00' },
    remember: 'ban',
  },
  {
    as: administrator,
    call: 'GET /manage/facility/ban/list?status=0&userId={other}',
    shows: {
      rows: [{ id: '{ban}', userId: '{other}', reason: '多次违约', status: '0', expireTime: '2026-12-01 00:00:00' }],
      total: 1,
    },
  },
  // This ban is not a proposal. The tests of bans confirm proposals.
  { as: administrator, call: 'PUT /manage/facility/ban/{ban}/confirm', body: {}, status: 409 },
  { as: administrator, call: 'DELETE /manage/facility/ban/{ban}', shows: done },
  // Closures and approvers
  {
    as: administrator,
    call: 'POST /manage/facility/closure',
    body: {
      roomId: '{room}',
      startTime: '2026-03-03 00:00:00',
      endTime: '2026-03-04 00:00:00',
      reason: '消防演练',
    },
    remember: 'closure',
    shows: { data: { cancelled: 1, cutShort: 0 } },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/closure/list?roomId={room}',
    shows: { rows: [{ id: '{closure}' }], total: 1 },
  },
  { as: administrator, call: 'GET /manage/facility/closure?roomId={room}', shows: { total: 1 } },
  { as: administrator, call: 'GET /manage/facility/closure/{closure}', shows: { data: { reason: '消防演练' } } },
  {
    as: administrator,
    call: 'PUT /manage/facility/closure',
    body: { id: '{closure}', endTime: '2026-03-05 00:00:00' },
    shows: { data: { cancelled: 0, cutShort: 0 } },
  },
  { as: administrator, call: 'DELETE /manage/facility/closure/{closure}', shows: done },
  {
    as: administrator,
    call: 'PUT /manage/facility/approver/{worker}',
    body: { buildingIds: ['{building}'] },
    shows: done,
  },
  {
    as: administrator,
    call: 'PUT /manage/facility/staff/{worker}',
    body: { role: 'student_worker' },
    shows: done,
  },
  {
    as: administrator,
    call: 'GET /manage/facility/approver/list?orderByColumn=userId&isAsc=desc&pageSize=1',
    shows: { rows: [{ userId: '{worker}', allBuildings: false, buildings: [{ id: '{building}' }] }] },
  },
  {
    as: administrator,
    call: 'GET /manage/facility/approver?orderByColumn=userId&isAsc=desc&pageSize=1',
    shows: { rows: [{ userId: '{worker}', allBuildings: false }] },
  },
]

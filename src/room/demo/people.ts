import type { DemoPerson } from '../../kernel/demo.ts'
import { PORTAL_ROLE, ROOM_ADMIN, STUDENT_WORKER } from '../permissions.ts'

/** The people of the demo: one log-in for each role. */
export const CAST: readonly DemoPerson[] = [
  { username: 'admin', name: '系统管理员', role: 'admin' },
  { username: 'room-admin', name: '后勤处 孙老师', role: ROOM_ADMIN },
  { username: 'worker', name: '学工助理 林晓', role: STUDENT_WORKER },
  { username: 'student', name: '王小雨', role: PORTAL_ROLE },
]

const names = [
  '陈思远', '李梦洁', '张子涵', '刘一鸣', '赵晨曦', '周可欣',
  '吴俊杰', '徐静怡', '马天宇', '胡佳宁', '郭子轩', '何雨桐',
] // biome-ignore format: a list of names

/** Students who book the rooms, by student number. */
export const STUDENTS: readonly DemoPerson[] = names.map((name, index) => ({
  username: `2025${String(index + 1).padStart(4, '0')}`,
  name,
  role: PORTAL_ROLE,
}))

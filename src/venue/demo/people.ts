import type { DemoPerson } from '../../kernel/demo.ts'

/** People of the demo: one log-in for each role. */
export const CAST: readonly DemoPerson[] = [
  { username: 'admin', name: '系统管理员', role: 'admin' },
  { username: 'gym-admin', name: '场馆主任 周敏', role: 'venue:admin' },
  { username: 'leader', name: '陈总', role: 'venue:leader' },
  { username: 'employee', name: '王小明', role: 'venue:employee' },
  { username: 'visitor', name: '访客 李雷', role: 'venue:visitor' },
  { username: 'support', name: '客服 小赵', role: 'venue:support' },
]

const names = [
  '张伟', '李娜', '刘洋', '赵静', '孙磊', '周杰', '吴婷', '郑浩', '冯雪', '陈晨',
  '褚健', '卫兰', '蒋涛', '沈悦', '韩冰', '杨帆', '朱琳', '秦川', '许诺', '何欢',
] // biome-ignore format: a list of names

/** Colleagues who fill the courts. */
export const COLLEAGUES: readonly DemoPerson[] = names.map((name, index) => ({
  username: `staff${String(index + 1).padStart(2, '0')}`,
  name,
  role: 'venue:employee',
}))

import type { DemoPerson } from '../../kernel/demo.ts'
import type { Gender, PatientType } from '../core/types.ts'
import { ADMIN_ROLE, DESK_ROLE, DOCTOR_ROLE, PATIENT_ROLE } from '../permissions.ts'
import { at, type Dice } from './dice.ts'

/** The people of the demo: one log-in for each kind of work. Their usernames are their numbers. */
export const CAST: readonly DemoPerson[] = [
  { username: 'admin', name: '系统管理员', role: 'admin' },
  { username: 'clinic-admin', name: '医务处 周老师', role: ADMIN_ROLE },
  { username: 'head', name: '陈建国', role: DOCTOR_ROLE },
  { username: 'doctor', name: '李慧敏', role: DOCTOR_ROLE },
  { username: 'desk', name: '收费处 吴姐', role: DESK_ROLE },
  { username: 'patient', name: '王小雨', role: PATIENT_ROLE },
]

const SURNAMES = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金',
]
const MEN = '伟 强 磊 军 洋 勇 杰 涛 明 超 浩然 子轩 宇航 天佑 俊杰 志强 建华 文博 晨曦 嘉豪 一鸣 思远 鹏飞 国栋'.split(
  ' ',
)
const WOMEN =
  '芳 娜 敏 静 丽 艳 娟 霞 雪 婷 雨桐 梦洁 思琪 佳怡 欣妍 静怡 晓彤 美玲 子涵 可欣 诗涵 若曦 秀英 玉兰'.split(' ')

/** The name of a person; the same number gives the same name. */
export function nameOf(gender: Gender, n: number): string {
  const given = gender === '女' ? WOMEN : MEN
  return `${at(SURNAMES, n * 7 + Math.floor(n / given.length))}${at(given, n)}`
}

/** A patient of the demo. */
export interface DemoPatient {
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string
  readonly type: PatientType
  readonly isVerified: boolean
  /** Student or staff number; also the username of the account. Null for patients without an account. */
  readonly number: string | null
  readonly isIdentified: boolean
  /** How a patient without an account is related to the one who registers for them. */
  readonly relation: string | null
}

/** Number of patients, apart from the cast's own. */
const PATIENTS = { 学生: 1500, 教师: 350, 职工: 250, 校外: 399 } as const
const DEPENDANTS = 500

/** The patients of the hospital: students, teachers, staff, neighbours, and then children and parents of some of them. */
export function inventPatients(dice: Dice, year: number): readonly DemoPatient[] {
  const patients: DemoPatient[] = []
  const add = (type: PatientType, prefix: string, ages: readonly [number, number], verified: number) => {
    for (let n = 1; n <= PATIENTS[type]; n += 1) {
      const gender = dice.chance(0.52) ? '女' : '男'
      const birthDate = birthday(dice, year, ages)
      const isIdentified = type !== '校外'
      const isVerified = isIdentified && dice.chance(verified)
      const number = `${prefix}${String(n).padStart(4, '0')}`
      const name = nameOf(gender, patients.length)
      patients.push({ name, gender, birthDate, type, isVerified, number, isIdentified, relation: null })
    }
  }
  add('学生', `s${year - 1}`, [18, 27], 0.9)
  add('教师', 't', [28, 62], 0.95)
  add('职工', 'w', [25, 60], 0.85)
  add('校外', 'p', [20, 78], 0)
  for (let n = 0; n < DEPENDANTS; n += 1) {
    const isChild = n % 2 === 0
    const gender = dice.chance(0.5) ? '女' : '男'
    const relation = isChild ? '子女' : '父母'
    const birthDate = birthday(dice, year, isChild ? [1, 13] : [52, 84])
    const name = nameOf(gender, patients.length)
    const none = { type: '校外', isVerified: false, number: null, isIdentified: false } as const
    patients.push({ name, gender, birthDate, relation, ...none })
  }
  return patients
}

function birthday(dice: Dice, year: number, [youngest, oldest]: readonly [number, number]): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${year - dice.between(youngest, oldest)}-${two(dice.between(1, 12))}-${two(dice.between(1, 28))}`
}

/** Whether a patient was a child in a year. */
export function isChild({ birthDate }: Pick<DemoPatient, 'birthDate'>, year: number): boolean {
  return year - Number(birthDate.slice(0, 4)) < 14
}

import { type Condition, type Leaf, plainText, type When } from '../../src/crm/core/audience/conditions.ts'
import { addDays, localDate } from '../../src/kernel/time.ts'

// A plain evaluation of conditions on members, to compare their SQL with.

/** The zone of the local days. */
export const ZONE = 'Asia/Taipei'

export interface Stay {
  readonly amount: number
  readonly in: string | null
  readonly out: string | null
  readonly at: Date
}

/** A member as the plain evaluation sees it. */
export interface Facts {
  readonly id: number
  readonly source: string
  readonly gender: string | null
  readonly marketing: boolean
  readonly linked: boolean
  readonly unfollowed: boolean
  readonly created: Date
  readonly followed: Date | null
  readonly interacted: Date | null
  readonly birthday: string | null
  readonly first: string | null
  readonly last: string | null
  readonly display: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly tags: readonly number[]
  readonly stays: readonly Stay[]
  readonly campaigns: readonly {
    readonly id: number
    readonly status: string
    readonly opened: boolean
    readonly clicked: boolean
  }[]
}

/** Whether a condition holds for a member on a local day. */
export function holds(condition: Condition, facts: Facts, today: string): boolean {
  if ('not' in condition) return !holds(condition.not, facts, today)
  if ('kind' in condition) return leafHolds(condition, facts, today)
  if ('all' in condition) return condition.all.every((part) => holds(part, facts, today))
  return condition.any.some((part) => holds(part, facts, today))
}

function happened(day: string | null, when: When, today: string): boolean {
  if (when.not_in_last_days !== undefined && day !== null && day >= addDays(today, -when.not_in_last_days)) return false
  if (when.before !== undefined && !(day !== null && day < when.before)) return false
  if (when.after !== undefined && !(day !== null && day > when.after)) return false
  return when.in_last_days === undefined || (day !== null && day >= addDays(today, -when.in_last_days))
}

const dayOrNull = (at: Date | null) => (at === null ? null : localDate(at, ZONE))
const within = (value: number, { from = -Infinity, to = Infinity }: { from?: number; to?: number } = {}) =>
  value >= from && value <= to

/** The day on which a birthday is celebrated in a year. */
function celebrated(birthday: string, year: number): string {
  const day = `${year}-${birthday.slice(5)}`
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10)
}

function ageOf(birthday: string, today: string): number {
  const year = Number(today.slice(0, 4))
  const full = year - Number(birthday.slice(0, 4))
  return celebrated(birthday, year) <= today ? full : full - 1
}

function leafHolds(leaf: Leaf, m: Facts, today: string): boolean {
  switch (leaf.kind) {
    case 'tags':
      return (
        (!leaf.any || leaf.any.some((id) => m.tags.includes(id))) &&
        (!leaf.all || leaf.all.every((id) => m.tags.includes(id))) &&
        !leaf.none?.some((id) => m.tags.includes(id))
      )
    case 'source':
      return leaf.in.some((one) => one === m.source)
    case 'gender':
      return leaf.in.some((one) => one === (m.gender ?? 'unknown'))
    case 'accept_marketing':
      return m.marketing === leaf.is
    case 'line':
      if (leaf.is === 'not_linked') return !m.linked
      return m.linked && (leaf.is === 'linked' || m.unfollowed === (leaf.is === 'unfollowed'))
    case 'created_at':
      return happened(dayOrNull(m.created), leaf, today)
    case 'followed_at':
      return happened(dayOrNull(m.followed), leaf, today)
    case 'last_interaction_at':
      return happened(dayOrNull(m.interacted), leaf, today)
    case 'birthday': {
      const { birthday: day } = m
      if (day === null) return false
      const year = Number(today.slice(0, 4))
      const next = [year, year + 1].map((one) => celebrated(day, one)).find((one) => one >= today) ?? ''
      return (
        (!leaf.months || leaf.months.includes(Number(day.slice(5, 7)))) &&
        (leaf.in_next_days === undefined || next <= addDays(today, leaf.in_next_days))
      )
    }
    case 'age':
      return m.birthday !== null && within(ageOf(m.birthday, today), { from: leaf.from ?? 0, to: leaf.to ?? 1000 })
    case 'consumption': {
      const { period = {} } = leaf
      const stays = m.stays.filter((stay) => {
        const day = stay.out ?? stay.in ?? localDate(stay.at, ZONE)
        return (
          day >= (period.from ?? '') &&
          day <= (period.to ?? '9') &&
          (period.in_last_days === undefined || (day >= addDays(today, -period.in_last_days) && day <= today))
        )
      })
      const total = Math.round(stays.reduce((sum, { amount }) => sum + amount * 100, 0)) / 100
      const outs = stays.flatMap(({ out }) => (out !== null && out <= today ? [out] : [])).sort()
      return (
        within(total, leaf.amount) &&
        within(stays.length, leaf.orders) &&
        (!leaf.last_check_out || happened(outs.at(-1) ?? null, leaf.last_check_out, today))
      )
    }
    case 'campaign': {
      const one = m.campaigns.find(({ id }) => id === leaf.id)
      if (!one) return false
      if (leaf.did === 'receive') return ['sent', 'opened', 'clicked'].includes(one.status)
      return one.clicked || (leaf.did === 'open' && one.opened)
    }
    case 'has':
      if (leaf.what === 'name') return m.first !== null || m.last !== null
      if (leaf.what === 'id_number') return false
      return m[leaf.what] !== null
    case 'name': {
      const names = [`${m.last ?? ''}${m.first ?? ''}`, `${m.first ?? ''}${m.last ?? ''}`, m.display ?? '']
      return names.some((name) => plainText(name).includes(plainText(leaf.contains)))
    }
    case 'email':
      return m.email?.toLowerCase().includes(leaf.contains.toLowerCase()) ?? false
  }
}

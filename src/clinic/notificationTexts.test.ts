import { describe, expect, it } from 'vitest'
import { compileTemplates } from '../kernel/notifications/texts/templates.ts'
import type { NotificationType, Texts } from '../kernel/notifications/texts/types.ts'
import { clinic } from './product.ts'

const types = clinic.notificationTypes

/** Variables that texts name. */
function variablesOf({ subject, body }: Texts) {
  const found = `${subject}${body}`.matchAll(/\{\{ (\w+)|\{% (?:case|if) (\w+)| in (\w+) %\}/g)
  return [...new Set([...found].map(([, shown, tested, listed]) => shown ?? tested ?? listed))].sort()
}
const withoutTags = ({ subject, body }: Texts) => `${subject}${body}`.replace(/\{[{%].*?[%}]\}/g, '')
const translationOf = (type: NotificationType, locale: 'zh-TW' | 'en'): Texts =>
  type.translations?.[locale] ?? { subject: '', body: '' }

describe.each(types.map((type) => [type.key, type] as const))('The texts of %s', (_, type) => {
  it.each(['zh-CN', 'zh-TW', 'en'] as const)('fill a subject and a body in %s', (locale) => {
    const { subject, body } = compileTemplates(types).render(type, type.sample, locale)
    expect(subject).not.toBe('')
    expect(body).not.toBe('')
    expect(`${subject}${body}`).not.toMatch(/[{}]/)
  })

  it.each(['zh-TW', 'en'] as const)('say the same in %s', (locale) => {
    const other = translationOf(type, locale)
    expect(variablesOf(other)).toEqual(variablesOf(type))
    expect(other.body).not.toBe(type.body)
  })

  it('are in their own script', () => {
    expect(withoutTags(translationOf(type, 'en'))).not.toMatch(/\p{Script=Han}/u)
    expect(withoutTags(translationOf(type, 'zh-TW'))).not.toMatch(/[号请诊预约时间订单费审该应签达]/)
  })
})

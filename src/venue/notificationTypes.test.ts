import { describe, expect, it } from 'vitest'
import { compileTemplates } from '../kernel/notifications/texts/templates.ts'
import { notificationTypes } from './notificationTypes.ts'

describe('The notification types of the venue product', () => {
  const templates = compileTemplates(notificationTypes)

  const aboutTimes = notificationTypes.filter(({ sample }) => 'venue_name' in sample)

  it.each(aboutTimes.map((type) => [type.key, type] as const))(
    '%s names place and time in subject and body',
    (_, type) => {
      const { subject, body } = templates.render(type, type.sample)
      expect(subject).toContain('羽毛球 1 号场')
      expect(subject.length).toBeLessThanOrEqual(80)
      expect(body).toContain('羽毛球 1 号场 2026-03-14 09:00–10:00')
      expect(`${subject}${body}`).not.toMatch(/[{}]/)
      expect(type.channels).toContain('websocket')
    },
  )

  it('are urgent if the person has to act at once', () => {
    const urgent = notificationTypes.filter((type) => type.urgent).map(({ key }) => key)
    expect(urgent).toEqual(
      expect.arrayContaining(['reservation.displaced', 'reservation.closed', 'waiting_list.offered']),
    )
    expect(urgent).not.toContain('reservation.confirmed')
  })

  it('leaves out a remark that was not made', () => {
    const type = notificationTypes.find(({ key }) => key === 'reservation.cancelled')
    if (!type) throw new Error('no such type')
    expect(templates.render(type, type.sample).body).not.toContain('备注')
    expect(templates.render(type, { ...type.sample, reason: '出差' }).body).toContain('备注：出差')
  })
})

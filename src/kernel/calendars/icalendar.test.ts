import { describe, expect, it } from 'vitest'
import { icalendar } from './icalendar.ts'

const now = new Date('2026-10-01T00:00:00Z')
const event = (
  startAt: string,
  endAt: string,
  texts: { readonly summary?: string; readonly location?: string } = {},
) => ({
  key: 'reservation-1',
  startAt: new Date(startAt),
  endAt: new Date(endAt),
  summary: texts.summary ?? 'A',
  description: 'B',
  location: texts.location ?? null,
  status: 'confirmed' as const,
  createdAt: now,
  updatedAt: now,
})
const feed = (zone: string, ...events: Parameters<typeof event>[]) =>
  icalendar(
    { timeZone: zone, publicUrl: 'https://booking.example.com' },
    '我的预约',
    events.map((one) => event(...one)),
    now,
  )

describe('A calendar', () => {
  it('says how often to refresh before its time zone, where programs look for it', () => {
    const text = feed('Asia/Shanghai', ['2026-10-02T01:00:00Z', '2026-10-02T02:00:00Z'])
    expect(text.indexOf('REFRESH-INTERVAL')).toBeGreaterThan(0)
    expect(text.indexOf('REFRESH-INTERVAL')).toBeLessThan(text.indexOf('BEGIN:VTIMEZONE'))
    expect(text.indexOf('X-PUBLISHED-TTL')).toBeLessThan(text.indexOf('BEGIN:VTIMEZONE'))
    expect(text.match(/BEGIN:VTIMEZONE|END:VTIMEZONE|BEGIN:VEVENT|END:VCALENDAR/g)).toHaveLength(4)
    expect(text).toContain('DTSTART;TZID=Asia/Shanghai:20261002T090000')
  })

  it('writes a time in an hour that happens twice in UTC', () => {
    const text = feed('Europe/Berlin', ['2026-10-25T01:30:00Z', '2026-10-25T02:30:00Z'])
    expect(text).toContain('DTSTART:20261025T013000Z\r\nDTEND:20261025T023000Z')
    const before = feed('Europe/Berlin', ['2026-10-24T22:00:00Z', '2026-10-24T23:00:00Z'])
    expect(before).toContain('DTSTART;TZID=Europe/Berlin:20261025T000000')
  })

  it('never has a control character in it', () => {
    const texts = { summary: '会议\u000b讨论', location: 'A\u0007座' }
    const text = feed('Asia/Shanghai', ['2026-10-02T01:00:00Z', '2026-10-02T02:00:00Z', texts])
    expect(text).toMatch(/SUMMARY:会议 讨论\r\n/)
    expect(text).toMatch(/LOCATION:A 座\r\n/)
    expect(text).not.toMatch(/[^\P{Cc}\r\n]/u)
  })
})

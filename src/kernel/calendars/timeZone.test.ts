import { describe, expect, it } from 'vitest'
import { vtimezone } from './timeZone.ts'

describe('The description of a zone', () => {
  it('has every change of its offset, in local time of the previous offset', () => {
    const text = vtimezone('Europe/Berlin', new Date('2026-03-01T00:00:00Z'))
    expect(text).toContain('BEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n')
    expect(text).toContain('BEGIN:STANDARD\r\nDTSTART:20261025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n')
  })
})

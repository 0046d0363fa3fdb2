import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  combined,
  fieldOutcomes,
  figuresBetween,
  type MergingMember,
  type MergingRecipient,
  type RecipientStatus,
} from './rules.ts'

const NOBODY: MergingMember = {
  id: 1,
  last_name: null,
  first_name: null,
  gender: null,
  birthday: null,
  email: null,
  phone: null,
  phone_e164: null,
  id_number: null,
  id_number_index: null,
  line_uid: null,
  accept_marketing: true,
  notes: null,
}

function outcome(
  field: keyof MergingMember & ReturnType<typeof fieldOutcomes>[number]['field'],
  target: Partial<MergingMember>,
  source: Partial<MergingMember>,
  prefer?: 'target' | 'source',
) {
  const found = fieldOutcomes({ ...NOBODY, ...target }, { ...NOBODY, id: 2, ...source }, { [field]: prefer })
  const { taken, result, conflict, needs_choice } = found.find((one) => one.field === field) ?? {}
  return [taken, result, conflict, needs_choice]
}

describe('a field of two members', () => {
  test('is taken where it has a value', () => {
    expect(outcome('first_name', {}, { first_name: '明' })).toEqual(['source', '明', false, false])
    expect(outcome('first_name', { first_name: '明' }, {})).toEqual(['target', '明', false, false])
    expect(outcome('line_uid', {}, {})).toEqual(['target', null, false, false])
    expect(outcome('first_name', { first_name: '明' }, {}, 'source')).toEqual(['target', '明', false, false])
  })

  test('is the target’s when they differ, unless the other is preferred', () => {
    const pair = [{ birthday: '1988-05-20' }, { birthday: '1988-05-21' }] as const
    expect(outcome('birthday', ...pair)).toEqual(['target', '1988-05-20', true, false])
    expect(outcome('birthday', ...pair, 'source')).toEqual(['source', '1988-05-21', true, false])
    expect(outcome('birthday', ...pair, 'target')).toEqual(['target', '1988-05-20', true, false])
  })

  test('must be chosen when LINE accounts or id numbers differ', () => {
    const lines = [{ line_uid: 'U1' }, { line_uid: 'U2' }] as const
    expect(outcome('line_uid', ...lines)).toEqual(['target', 'U1', true, true])
    expect(outcome('line_uid', ...lines, 'source')).toEqual(['source', 'U2', true, false])
    const numbers = [
      { id_number: 'A1**89', id_number_index: 'x' },
      { id_number: 'A1**89', id_number_index: 'y' },
    ] as const
    expect(outcome('id_number', ...numbers)).toEqual(['target', 'A1**89', true, true])
    expect(outcome('id_number', numbers[0], { id_number: 'other', id_number_index: 'x' })[2]).toBe(false)
  })

  test('is compared without notation: e-mail addresses and phone numbers', () => {
    expect(outcome('email', { email: 'A@b.tw' }, { email: 'a@B.tw' })).toEqual(['target', 'A@b.tw', false, false])
    const phones = [
      { phone: '0912-345-678', phone_e164: '+886912345678' },
      { phone: '+886912345678', phone_e164: '+886912345678' },
    ] as const
    expect(outcome('phone', ...phones)[2]).toBe(false)
    expect(outcome('phone', phones[0], { phone: '0912', phone_e164: '+886912345679' })[2]).toBe(true)
  })

  test('joins notes, and accepts marketing only if both do', () => {
    expect(outcome('notes', { notes: 'a' }, { notes: 'b' })).toEqual(['both', 'a\nb', true, false])
    expect(outcome('notes', { notes: 'a' }, { notes: 'b' }, 'source')).toEqual(['source', 'b', true, false])
    expect(outcome('notes', { notes: 'a' }, { notes: 'a' })).toEqual(['target', 'a', false, false])
    expect(outcome('accept_marketing', { accept_marketing: true }, { accept_marketing: false })[1]).toBe(false)
    expect(outcome('accept_marketing', { accept_marketing: false }, { accept_marketing: true })[1]).toBe(false)
    expect(outcome('accept_marketing', { accept_marketing: true }, { accept_marketing: true })[1]).toBe(true)
    expect(outcome('accept_marketing', { accept_marketing: true }, { accept_marketing: false }, 'target')[1]).toBe(true)
  })
})

const at = (hour: number) => new Date(Date.UTC(2026, 2, 1, hour))
const recipient = (id: number, status: RecipientStatus, more: Partial<MergingRecipient> = {}): MergingRecipient => ({
  id,
  campaignId: 1,
  status,
  sentAt: null,
  openedAt: null,
  clickedAt: null,
  convertedAt: null,
  ...more,
})

describe('two recipients of one campaign', () => {
  test.each<[RecipientStatus, RecipientStatus, number]>([
    ['sent', 'sent', 1],
    ['failed', 'sent', 2],
    ['sent', 'failed', 1],
    ['sent', 'opened', 2],
    ['clicked', 'opened', 1],
    ['skipped', 'failed', 2],
    ['unknown', 'failed', 1],
    ['unknown', 'sent', 2],
  ])('%s and %s: the one who was reached more stays', (ours, theirs, id) => {
    expect(combined(recipient(1, ours), recipient(2, theirs)).id).toBe(id)
  })

  test('become one with the earliest times and the state that follows', () => {
    const ours = recipient(1, 'opened', { sentAt: at(1), openedAt: at(5) })
    const theirs = recipient(2, 'sent', { sentAt: at(2), openedAt: at(3), clickedAt: at(4), convertedAt: at(6) })
    expect(combined(ours, theirs)).toEqual({
      ...ours,
      status: 'clicked',
      openedAt: at(3),
      clickedAt: at(4),
      convertedAt: at(6),
    })
    expect(combined(recipient(1, 'failed'), recipient(2, 'skipped')).status).toBe('failed')
  })

  test('count once afterwards, on local days', () => {
    const ours = recipient(1, 'clicked', { sentAt: at(15), openedAt: at(15), clickedAt: at(16) })
    const theirs = recipient(2, 'opened', { sentAt: at(15), openedAt: at(16) })
    const { counts, days } = figuresBetween([ours, theirs], [combined(ours, theirs)], 'Asia/Taipei')
    expect(counts).toEqual({ recipients: -1, sent: -1, opened: -1, clicked: 0, failed: 0, unknown: 0, skipped: 0 })
    expect([...days]).toEqual([
      ['2026-03-01', { sent: -1, opened: 0, clicked: 0, converted: 0 }],
      ['2026-03-02', { sent: 0, opened: -1, clicked: 0, converted: 0 }],
    ])
  })

  test('never change what nobody did: the figures of the pair minus the change are those of the one', () => {
    const statuses: RecipientStatus[] = ['pending', 'sent', 'opened', 'clicked', 'failed', 'unknown', 'skipped']
    const maybe = fc.option(fc.integer({ min: 0, max: 47 }).map(at), { nil: null })
    const any = (id: number) =>
      fc
        .record({
          status: fc.constantFrom(...statuses),
          sentAt: maybe,
          openedAt: maybe,
          clickedAt: maybe,
          convertedAt: maybe,
        })
        .map((one) => ({ id, campaignId: 1, ...one }))
    const plain = (given: readonly MergingRecipient[]) => figuresBetween([], given, 'Asia/Taipei')
    fc.assert(
      fc.property(any(1), any(2), (ours, theirs) => {
        const one = combined(ours, theirs)
        const { counts } = figuresBetween([ours, theirs], [one], 'Asia/Taipei')
        const [before, after] = [plain([ours, theirs]).counts, plain([one]).counts]
        expect([before.sent + counts.sent, before.opened + counts.opened, before.clicked + counts.clicked]).toEqual([
          after.sent,
          after.opened,
          after.clicked,
        ])
        expect(after.opened).toBe(ours.openedAt || theirs.openedAt ? 1 : 0)
        expect(after.sent).toBeGreaterThanOrEqual(Math.min(1, before.sent))
      }),
    )
  })
})

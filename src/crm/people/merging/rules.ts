import { localDate } from '../../../kernel/time.ts'

/** The fields of a member that a merge decides about. */
export const MERGED_FIELDS = [
  'last_name',
  'first_name',
  'gender',
  'birthday',
  'email',
  'phone',
  'id_number',
  'line_uid',
  'accept_marketing',
  'notes',
] as const

export type MergedField = (typeof MERGED_FIELDS)[number]
export type Side = 'target' | 'source'
export type Preferences = Readonly<Partial<Record<MergedField, Side | undefined>>>

/** A different value of these fields means that the two may be different people: somebody must choose. */
const MUST_CHOOSE: ReadonlySet<MergedField> = new Set(['id_number', 'line_uid'])

/** A member as a merge sees them. `id_number` is masked; `id_number_index` tells whether two are the same. */
export interface MergingMember {
  readonly id: number
  readonly last_name: string | null
  readonly first_name: string | null
  readonly gender: string | null
  readonly birthday: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly phone_e164: string | null
  readonly id_number: string | null
  readonly id_number_index: string | null
  readonly line_uid: string | null
  readonly accept_marketing: boolean
  readonly notes: string | null
}

/** What becomes of a field. */
export interface FieldOutcome {
  readonly field: MergedField
  readonly target: string | boolean | null
  readonly source: string | boolean | null
  /** `both`: notes are joined. */
  readonly taken: Side | 'both'
  readonly result: string | boolean | null
  /** Both have a value, and they differ. */
  readonly conflict: boolean
  /** The merge is refused until `prefer` names a side. */
  readonly needs_choice: boolean
}

/** Decides about every field: by `prefer`, else the value that is there, else the target's. */
export function fieldOutcomes(
  target: MergingMember,
  source: MergingMember,
  prefer: Preferences,
): readonly FieldOutcome[] {
  return MERGED_FIELDS.map((field) => outcomeOf(field, target, source, prefer[field]))
}

function outcomeOf(
  field: MergedField,
  target: MergingMember,
  source: MergingMember,
  preferred: Side | undefined,
): FieldOutcome {
  const [ours, theirs] = [target[field], source[field]]
  const same = keyOf(field, target) === keyOf(field, source)
  const conflict = !same && ours !== null && theirs !== null
  const base = { field, target: ours, source: theirs, conflict }
  const take = (taken: Side) => ({ ...base, taken, result: taken === 'target' ? ours : theirs, needs_choice: false })
  if (preferred !== undefined && conflict) return take(preferred)
  if (!conflict) return take(ours === null && theirs !== null ? 'source' : 'target')
  // Who has said no once must not get advertisements because of a merge.
  if (field === 'accept_marketing') return take(ours === false ? 'target' : 'source')
  if (field === 'notes')
    return { ...base, taken: 'both', result: `${String(ours)}\n${String(theirs)}`, needs_choice: false }
  return { ...take('target'), needs_choice: MUST_CHOOSE.has(field) }
}

/** The form of a field in which two members are compared. */
function keyOf(field: MergedField, member: MergingMember): string | boolean | null {
  switch (field) {
    case 'phone':
      return member.phone_e164 ?? member.phone
    case 'id_number':
      return member.id_number_index
    case 'email':
      return member.email?.toLowerCase() ?? null
    default:
      return member[field]
  }
}

export type RecipientStatus = 'pending' | 'sent' | 'opened' | 'clicked' | 'failed' | 'unknown' | 'skipped'

/** A recipient of a campaign, as a merge sees it. */
export interface MergingRecipient {
  readonly id: number
  readonly campaignId: number
  readonly status: RecipientStatus
  readonly sentAt: Date | null
  readonly openedAt: Date | null
  readonly clickedAt: Date | null
  readonly convertedAt: Date | null
}

const RANKS: Readonly<Record<RecipientStatus, number>> = {
  clicked: 6,
  opened: 5,
  sent: 4,
  unknown: 3,
  failed: 2,
  skipped: 1,
  pending: 0,
}
const REACHED: ReadonlySet<RecipientStatus> = new Set(['sent', 'opened', 'clicked'])

/** The one recipient that stays of two of the same campaign: the one who was reached, with the earliest times of both. */
export function combined(target: MergingRecipient, source: MergingRecipient): MergingRecipient {
  const kept = RANKS[source.status] > RANKS[target.status] ? source : target
  const openedAt = earliest(target.openedAt, source.openedAt)
  const clickedAt = earliest(target.clickedAt, source.clickedAt)
  const reached = clickedAt ? 'clicked' : openedAt ? 'opened' : 'sent'
  return {
    ...kept,
    status: REACHED.has(kept.status) ? reached : kept.status,
    openedAt,
    clickedAt,
    convertedAt: earliest(target.convertedAt, source.convertedAt),
  }
}

function earliest(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b
  return a <= b ? a : b
}

/** Counters of a campaign that recipients move. */
export interface CampaignCounts {
  readonly recipients: number
  readonly sent: number
  readonly opened: number
  readonly clicked: number
  readonly failed: number
  readonly unknown: number
  readonly skipped: number
}

/** Figures of a campaign's local day that recipients move. */
export interface DayCounts {
  readonly sent: number
  readonly opened: number
  readonly clicked: number
  readonly converted: number
}

export interface RecipientFigures {
  readonly counts: CampaignCounts
  readonly days: ReadonlyMap<string, DayCounts>
}

const NO_DAY: DayCounts = { sent: 0, opened: 0, clicked: 0, converted: 0 }

/** The change of a campaign's figures when the recipients `before` become the recipients `after`. */
export function figuresBetween(
  before: readonly MergingRecipient[],
  after: readonly MergingRecipient[],
  zone: string,
): RecipientFigures {
  const signed = [
    ...before.map((recipient) => ({ recipient, sign: -1 })),
    ...after.map((recipient) => ({ recipient, sign: 1 })),
  ]
  const sum = (counts: (recipient: MergingRecipient) => boolean) =>
    signed.reduce((total, { recipient, sign }) => total + (counts(recipient) ? sign : 0), 0)
  const days = new Map<string, DayCounts>()
  const note = (at: Date | null, figure: keyof DayCounts, sign: number) => {
    if (at === null) return
    const day = localDate(at, zone)
    const known = days.get(day) ?? NO_DAY
    days.set(day, { ...known, [figure]: known[figure] + sign })
  }
  for (const { recipient, sign } of signed) {
    if (REACHED.has(recipient.status)) note(recipient.sentAt, 'sent', sign)
    note(recipient.openedAt, 'opened', sign)
    note(recipient.clickedAt, 'clicked', sign)
    note(recipient.convertedAt, 'converted', sign)
  }
  return {
    counts: {
      recipients: sum(() => true),
      sent: sum(({ status }) => REACHED.has(status)),
      opened: sum(({ openedAt }) => openedAt !== null),
      clicked: sum(({ clickedAt }) => clickedAt !== null),
      failed: sum(({ status }) => status === 'failed'),
      unknown: sum(({ status }) => status === 'unknown'),
      skipped: sum(({ status }) => status === 'skipped'),
    },
    days: new Map(
      [...days].filter(([, { sent, opened, clicked, converted }]) => sent || opened || clicked || converted),
    ),
  }
}

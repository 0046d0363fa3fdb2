import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { insertConsumption } from '../../core/consumptionStore.ts'
import { zoneOf } from '../../core/days.ts'
import { idNumberIndex, memberColumns } from '../../core/members.ts'
import { phoneInE164 } from '../../core/phones.ts'
import { crmSettings } from '../../settings.ts'
import * as guests from './guestStore.ts'
import { lockUnsettled, type Review, settleReviews } from './reviewStore.ts'
import { columnsOf, type RowContext, readRow } from './rows.ts'
import { type Fill, fillOf, type Identity, type KnownMember, type LeftOut } from './rules.ts'
import type { Guest, Order, PmsRow } from './types.ts'

/** What reading and comparing rows depends on. */
export function contextOf(kernel: Pick<Kernel, 'config' | 'clock'>): RowContext {
  const { phoneCountry: country } = crmSettings.of(kernel.config)
  return { zone: zoneOf(kernel), country, now: kernel.clock.now() }
}

/** The keys of a guest. Those by which guests are remembered hold no personal data. */
export function identify(kernel: Pick<Kernel, 'config' | 'secrets'>, guest: Guest): Identity {
  const { phoneCountry } = crmSettings.of(kernel.config)
  const index = guest.id_number === null ? null : idNumberIndex(kernel, guest.id_number)
  const phone = guest.phone === null ? null : (phoneInE164(guest.phone, phoneCountry) ?? null)
  const email = guest.email?.toLowerCase() ?? null
  const key = guest.id !== null ? `guest ${guest.id}` : keyBy(kernel, index, phone, email)
  return { key, idNumberIndex: index, phone, email }
}

function keyBy(
  { secrets }: Pick<Kernel, 'secrets'>,
  index: string | null,
  phone: string | null,
  email: string | null,
): string {
  if (index !== null) return `id-number ${index}`
  const [kind, plain] = phone !== null ? ['phone', phone] : ['email', email ?? '']
  return `${kind} ${secrets.cipher.blindIndex(plain, `crm_pms_guests.${kind}`)}`
}

/** A row as reviews keep it. */
export function sealed({ secrets }: Pick<Kernel, 'secrets'>, row: PmsRow): string {
  return secrets.cipher.encrypt(JSON.stringify(columnsOf(row)))
}

/** The row of a review; undefined once it was erased. */
export function opened(
  kernel: Pick<Kernel, 'config' | 'clock' | 'secrets'>,
  { sync_type: type, record }: Pick<Review, 'sync_type' | 'record'>,
): PmsRow | undefined {
  if (record === '') return undefined
  return readRow(type, JSON.parse(kernel.secrets.cipher.decrypt(record)), contextOf(kernel)).row
}

/** A guest and the member who it is. */
export interface Match {
  readonly guest: Guest
  readonly identity: Identity
  readonly memberId: number
}

/**
 * Gives members what is known of their guests and empty at them.
 * @param known the locked members, those with a key of the guests among them
 * @returns for each match the fields that were left out, because they belong to another member
 */
export async function fill(
  kernel: Kernel,
  tx: Transaction,
  matches: readonly Match[],
  known: readonly KnownMember[],
): Promise<readonly (readonly LeftOut[])[]> {
  const fills = matches.map(({ guest, identity, memberId }) => ({
    memberId,
    ...fillOf(
      guest,
      identity,
      known.find(({ id }) => id === memberId),
      known,
    ),
  }))
  await guests.fillMembers(
    tx,
    fills
      .filter(({ fill: found }) => Object.keys(found).length > 0)
      .map(({ memberId, fill: found }) => ({ memberId, columns: columnsFor(kernel, found) })),
    kernel.clock.now(),
  )
  return fills.map(({ leftOut }) => leftOut)
}

/** The columns of `members` for fields of a guest. */
export function columnsFor(kernel: Pick<Kernel, 'config' | 'secrets'>, fields: Fill) {
  const { columns, errors } = memberColumns(kernel, fields)
  if (errors.length > 0) throw new Error('a row of the PMS was read, but is no member')
  return columns
}

/** Writes records of members, and the conversions that follow. Of an order that is there twice, the last one counts. */
export async function writeOrders(
  kernel: Kernel,
  tx: Transaction,
  orders: readonly { readonly memberId: number; readonly order: Order }[],
): Promise<void> {
  const now = kernel.clock.now()
  const latest = new Map(orders.map((one) => [one.order.order_number, one]))
  const { conversionDays: days } = crmSettings.of(kernel.config)
  const records = [...latest.values()].map(({ memberId, order }) => ({
    memberId,
    orderNumber: order.order_number,
    roomType: order.room_type,
    amount: order.amount,
    checkIn: order.check_in_date,
    checkOut: order.check_out_date,
    nights: order.nights,
    source: 'pms' as const,
    createdAt: order.created_at === null ? now : new Date(order.created_at),
    syncedAt: now,
  }))
  await insertConsumption(tx, records, { days, zone: zoneOf(kernel), replaces: true })
}

/**
 * Settles what waits of guests whose members are known now: the orders are written, and the reviews closed. Returns
 * their number.
 * @param by `matched`: see `lockUnsettled`
 */
export async function settleWaiting(
  kernel: Kernel,
  tx: Transaction,
  members: ReadonlyMap<string, number>,
  by: 'matched' | { readonly userId: number; readonly state: 'linked' | 'created' },
): Promise<number> {
  if (members.size === 0) return 0
  const waiting = await lockUnsettled(tx, [...members.keys()], by === 'matched' ? 'matched' : 'person')
  const settled = waiting.map((review) => ({
    id: review.id,
    memberId: members.get(review.guest_key) ?? 0,
    order: opened(kernel, review)?.order ?? null,
  }))
  const orders = settled.flatMap(({ memberId, order }) => (order === null ? [] : [{ memberId, order }]))
  const owners = await guests.ownersOfOrders(
    tx,
    orders.map(({ order }) => order.order_number),
  )
  const isOthers = (one: { readonly memberId: number; readonly order: Order }) => {
    const owner = owners.get(one.order.order_number)
    return owner !== undefined && owner !== one.memberId
  }
  const moved = orders.filter(isOthers)
  // Only a person takes an order from another member.
  if (by !== 'matched')
    for (const { order, memberId } of moved) await guests.moveOrders(tx, [order.order_number], memberId)
  const kept =
    by === 'matched' ? settled.filter(({ memberId, order }) => !order || !isOthers({ memberId, order })) : settled
  await writeOrders(
    kernel,
    tx,
    kept.flatMap(({ memberId, order }) => (order === null ? [] : [{ memberId, order }])),
  )
  const now = kernel.clock.now()
  await settleReviews(tx, kept, {
    state: by === 'matched' ? 'linked' : by.state,
    decidedBy: by === 'matched' ? null : by.userId,
    now,
  })
  return kept.length
}

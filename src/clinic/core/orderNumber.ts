import { localDate } from '../../kernel/time.ts'

/** The number of an order for people: the local date of its creation and eight digits (20251101 00000042). */
export function orderNumber(
  { orderId, createTime }: { readonly orderId: number; readonly createTime: Date },
  zone: string,
) {
  return localDate(createTime, zone).replaceAll('-', '') + String(orderId % 100_000_000).padStart(8, '0')
}

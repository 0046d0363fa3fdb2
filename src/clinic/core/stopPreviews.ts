import { Type } from 'typebox'
import { Id } from '../../kernel/http/schemas.ts'
import { Yuan } from '../fields.ts'
import { yuan } from './money/rules.ts'
import type { StopPreview } from './stopping.ts'

const Preview = Type.Object({
  schedule_id: Id,
  orders: Type.Array(Type.Object({ order_id: Id, patient_name: Type.String(), status: Type.String(), refund: Yuan })),
  refund: Yuan,
})

/** What stopping schedules would do: orders, patients and money in all, and for each schedule. */
export const StopPreviews = Type.Object({
  schedules: Type.Array(Preview),
  orders: Type.Integer(),
  patients: Type.Integer(),
  refund: Yuan,
})

export function presentStops(previews: readonly StopPreview[]) {
  const all = previews.flatMap(({ orders }) => orders)
  return {
    schedules: previews.map(({ scheduleId, orders, refund }) => ({
      schedule_id: scheduleId,
      refund: yuan(refund),
      orders: orders.map(({ orderId, patientName, status, paid, refunded }) => ({
        order_id: orderId,
        patient_name: patientName,
        status,
        refund: yuan(paid - refunded),
      })),
    })),
    orders: all.length,
    patients: new Set(all.map(({ patientId }) => patientId)).size,
    refund: yuan(previews.reduce((sum, { refund }) => sum + refund, 0)),
  }
}

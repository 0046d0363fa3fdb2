import { later } from '../../../booking/interval.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { noSuchBuilding, noSuchRoom } from '../../core/refusals.ts'
import { DAY_MS, requireShort, type Window } from '../../window.ts'
import * as store from './store.ts'

/** Days before now at which a timeline begins, if `from` is absent (page, The published web client). */
const DAYS_BACK = 30

interface Range {
  readonly from: Date
  readonly to: Date
}

interface Timeline {
  readonly range: Range
  readonly segments: readonly store.Segment[]
}

/**
 * The bookings of a room that share time with the window and are not rejected or cancelled, with their whole time.
 * Without `from` the window begins 30 days ago (or 30 days before `to`, if that is earlier); without `to` it ends with
 * the last booking.
 * @throws NotFound; Invalid `window_too_long`
 */
export async function roomTimeline(
  kernel: Kernel,
  roomId: number,
  window: Window,
  viewerId: number,
): Promise<Timeline> {
  if (!(await store.roomExists(kernel.reads, roomId))) throw noSuchRoom()
  return segmentsIn(kernel, [roomId], window, viewerId)
}

/** The timelines of all rooms of a building, each with its room. Throws like `roomTimeline`. */
export async function buildingGantt(
  kernel: Kernel,
  buildingId: number,
  window: Window,
  viewerId: number,
): Promise<{ range: Range; items: readonly (store.Line & { segments: readonly store.Segment[] })[] }> {
  const lines = await store.linesOf(kernel.reads, buildingId)
  if (!lines) throw noSuchBuilding()
  const ids = lines.map(({ roomId }) => roomId)
  const { range, segments } = await segmentsIn(kernel, ids, window, viewerId)
  const byRoom = Map.groupBy(segments, ({ roomId }) => roomId)
  return { range, items: lines.map((line) => ({ ...line, segments: byRoom.get(line.roomId) ?? [] })) }
}

async function segmentsIn(
  kernel: Kernel,
  roomIds: readonly number[],
  window: Window,
  viewerId: number,
): Promise<Timeline> {
  const now = kernel.clock.now()
  const from = window.from ?? new Date(Math.min(now.getTime(), window.to?.getTime() ?? Infinity) - DAYS_BACK * DAY_MS)
  requireShort(from, window.to ?? now)
  const segments = await store.segmentsOf(kernel.reads, roomIds, { from, to: window.to }, { now, viewerId })
  return {
    range: { from, to: window.to ?? segments.reduce((last, { end }) => later(last, end), later(from, now)) },
    segments,
  }
}

import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { presentStops, StopPreviews } from '../../core/stopPreviews.ts'
import { admin, ids } from '../../fields.ts'
import { doctorScheduleRoutes } from './doctorRoutes.ts'
import { listRoutes } from './listRoutes.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic schedules'
const Params = ids('schedule_id')

/** Routes of the schedules. */
export function scheduleRoutes(app: App, kernel: Kernel): void {
  listRoutes(app, kernel)
  changes(app, kernel)
  preview(app, kernel)
  doctorScheduleRoutes(app, kernel)
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/schedules'),
    operationId: 'createSchedule',
    permission: 'clinic:manage',
    summary: 'Add a schedule',
    tag,
    schema: {
      body: schemas.ScheduleBody,
      response: { 200: Answer(Type.Object({ schedule_id: Id, detail: Type.String() })) },
    },
    handler: async (request) => {
      const { doctor_id, clinic_id, schedule_date, time_section, slot_type, total_slots } = request.body
      const { status = '正常', price = 0 } = request.body
      const schedule_id = await service.addSchedule(kernel, callerOf(request), {
        doctorId: doctor_id,
        clinicId: clinic_id,
        date: schedule_date,
        timeSection: time_section,
        slotType: slot_type,
        totalSlots: total_slots,
        status,
        price,
      })
      return answer({ schedule_id, detail: '排班创建成功' })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/schedules/{schedule_id}'),
    operationId: 'changeSchedule',
    permission: 'clinic:manage',
    summary: 'Change a schedule',
    description:
      '停诊 ends, refunds and tells its open orders. While there are open orders, doctor, clinic, date, section and ' +
      'kind stay. The total is never less than what is sold.',
    tag,
    schema: { params: Params, body: schemas.ScheduleChange, response: { 200: Detail } },
    handler: async (request) => {
      const { doctor_id, clinic_id, schedule_date, time_section, slot_type, total_slots, status, price } = request.body
      await service.changeSchedule(kernel, callerOf(request), request.params.schedule_id, {
        ...(doctor_id !== undefined && { doctorId: doctor_id }),
        ...(clinic_id !== undefined && { clinicId: clinic_id }),
        ...(schedule_date !== undefined && { date: schedule_date }),
        ...(time_section !== undefined && { timeSection: time_section }),
        ...(slot_type !== undefined && { slotType: slot_type }),
        ...(total_slots !== undefined && { totalSlots: total_slots }),
        ...(status !== undefined && { status }),
        ...(price !== undefined && { price }),
      })
      return detail('排班更新成功')
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/schedules/{schedule_id}'),
    operationId: 'deleteSchedule',
    permission: 'clinic:manage',
    summary: 'Delete a schedule; its open orders are refunded and told',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      await service.removeSchedule(kernel, callerOf(request), request.params.schedule_id)
      return detail('排班删除成功')
    },
  })
}

function preview(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/schedules/stop-preview'),
    permission: 'clinic:manage',
    summary: 'See what stopping schedules would do; nothing is changed',
    tag,
    schema: {
      body: Type.Object({ schedule_ids: Type.Array(Id, { minItems: 1, maxItems: 100 }) }),
      response: { 200: Answer(StopPreviews) },
    },
    handler: async (request) => answer(presentStops(await service.previewStops(kernel, request.body.schedule_ids))),
  })
}

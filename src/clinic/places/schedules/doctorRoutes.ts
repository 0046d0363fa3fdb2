import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, isoWeek, localDate } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import { callingDoctor } from '../../core/people.ts'
import { ids } from '../../fields.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic schedules'
const OfDoctor = { doctor_id: Type.Optional(Id) }

/** Routes of the schedules for doctors. Without `doctor_id` the lists are of the caller. */
export function doctorScheduleRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const today = () => localDate(kernel.clock.now(), zone)
  const idOf = async (request: Parameters<typeof callerOf>[0], id: number | undefined) =>
    ({ kind: 'doctor', id: id ?? (await callingDoctor(kernel, callerOf(request))).doctorId }) as const

  route(app, {
    method: 'GET',
    paths: ['/doctor/schedules'],
    operationId: 'listSchedulesForDoctors',
    permission: 'clinic:treat',
    summary: 'List the schedules of a doctor, without dates those of this week',
    tag,
    schema: {
      querystring: Type.Object({
        ...OfDoctor,
        start_date: Type.Optional(LocalDate),
        end_date: Type.Optional(LocalDate),
      }),
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.ScheduleRow) })) },
    },
    handler: async (request) => {
      const { doctor_id, start_date, end_date } = request.query
      const from = start_date ?? isoWeek(end_date ?? today())
      const range = { from, to: end_date ?? addDays(from, 6) }
      const schedules = await service.schedulesOf(kernel, await idOf(request, doctor_id), range)
      return answer({ schedules: schedules.map((schedule) => schemas.presentSchedule(schedule, zone)) })
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/doctor/schedules/today'],
    operationId: 'listSchedulesOfTodayForDoctors',
    permission: 'clinic:treat',
    summary: 'List today’s schedules of a doctor',
    tag,
    schema: {
      querystring: Type.Object(OfDoctor),
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.TodayRow) })) },
    },
    handler: async (request) => {
      const of = await idOf(request, request.query.doctor_id)
      const schedules = await service.schedulesOf(kernel, of, { from: today(), to: today() })
      return answer({ schedules: schedules.map(schemas.presentToday) })
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/doctor/schedules/{schedule_id}'],
    operationId: 'getScheduleForDoctors',
    permission: 'clinic:treat',
    summary: 'Read a schedule',
    tag,
    schema: { params: ids('schedule_id'), response: { 200: Answer(schemas.ScheduleRow) } },
    handler: async (request) =>
      answer(schemas.presentSchedule(await service.getSchedule(kernel, request.params.schedule_id), zone)),
  })
}

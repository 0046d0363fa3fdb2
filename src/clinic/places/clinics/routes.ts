import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { priceFields, priceInputs, priceMembers, pricesFrom } from '../../core/prices/fields.ts'
import { admin, ids, limits, Moment, maybePaged, moment } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Clinic clinics'

const ClinicType = Type.Integer({ minimum: 0, maximum: 2, description: '0 普通, 1 国疗, 2 特需' })

const ClinicChange = Type.Object({
  name: Type.Optional(Text(100, { examples: ['心血管内科普通门诊'] })),
  area_id: Type.Optional(Id),
  clinic_type: Type.Optional(ClinicType),
  address: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  ...priceInputs,
})

const ClinicBody = Type.Object({ ...ClinicChange.properties, name: Text(100), minor_dept_id: Id })

const Clinic = Type.Object({
  clinic_id: Id,
  area_id: Id,
  name: Type.String(),
  address: Nullable(Type.String()),
  minor_dept_id: Id,
  clinic_type: ClinicType,
  ...priceFields,
})

const Listed = Type.Object({ ...Clinic.properties, create_time: Moment })
const Changed = Type.Object({ ...Clinic.properties, detail: Type.String() })
const Query = maybePaged({ dept_id: Type.Optional(Id), area_id: Type.Optional(Id) })
const Params = ids('clinic_id')

const present = ({ id, areaId, deptId, name, address, clinicType, prices }: service.PricedClinic) => ({
  clinic_id: id,
  area_id: areaId,
  name,
  address,
  minor_dept_id: deptId,
  clinic_type: clinicType,
  ...priceMembers(prices),
})

/** Routes of the clinics, for the administration and for patients. */
export function clinicRoutes(app: App, kernel: Kernel): void {
  const list = async ({ dept_id: deptId, area_id: areaId, ...page }: Of<typeof Query>) => {
    const { items, total } = await service.listClinics(kernel, { deptId, areaId, ...limits(page) })
    const zone = kernel.config.timeZone
    const clinics = items.map((item) => ({ ...present(item), create_time: moment(item.createTime, zone) }))
    return answer({ clinics, total })
  }
  const schema = {
    querystring: Query,
    response: { 200: Answer(Type.Object({ clinics: Type.Array(Listed), total: Type.Integer() })) },
  }
  route(app, {
    method: 'GET',
    paths: admin('/clinics'),
    permission: 'clinic:manage',
    summary: 'List the clinics with their prices',
    tag,
    schema,
    handler: (request) => list(request.query),
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/clinics'],
    operationId: 'listClinicsForPatients',
    permission: 'public',
    summary: 'List the clinics, for patients',
    tag,
    schema,
    handler: (request) => list(request.query),
  })
  changes(app, kernel)
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/clinics'),
    permission: 'clinic:manage',
    summary: 'Add a clinic with its prices',
    description: 'Without `area_id` it lies in the only area of the hospital.',
    tag,
    schema: { body: ClinicBody, response: { 200: Answer(Changed) } },
    handler: async (request) => {
      const { minor_dept_id: deptId, area_id: areaId, name, address = null, clinic_type: clinicType = 0 } = request.body
      const content = { deptId, areaId, name, address, clinicType }
      const made = await service.addClinic(kernel, callerOf(request), content, pricesFrom(request.body))
      return answer({ ...present(made), detail: '门诊创建成功' })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/clinics/{clinic_id}'),
    permission: 'clinic:manage',
    summary: 'Change a clinic and its prices',
    tag,
    schema: { params: Params, body: ClinicChange, response: { 200: Answer(Changed) } },
    handler: async (request) => {
      const { area_id: areaId, name, address, clinic_type: clinicType } = request.body
      const change = {
        ...(areaId !== undefined && { areaId }),
        ...(name !== undefined && { name }),
        ...(address !== undefined && { address }),
        ...(clinicType !== undefined && { clinicType }),
      }
      const { clinic_id: id } = request.params
      const made = await service.changeClinic(kernel, callerOf(request), id, change, pricesFrom(request.body))
      return answer({ ...present(made), detail: '门诊信息更新成功' })
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/clinics/{clinic_id}'),
    permission: 'clinic:manage',
    summary: 'Delete a clinic without schedules ahead',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      await service.removeClinic(kernel, callerOf(request), request.params.clinic_id)
      return detail('成功删除门诊')
    },
  })
}

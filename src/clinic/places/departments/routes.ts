import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { priceFields, priceInputs, priceMembers, pricesFrom } from '../../core/prices/fields.ts'
import { admin, ids, limits, Moment, maybePaged, moment } from '../../fields.ts'
import * as service from './service.ts'
import { listMajors } from './store.ts'

const tag = 'Clinic departments'

const Description = Type.Optional(Nullable(Type.String({ maxLength: 2000 })))

const MajorBody = Type.Object({ name: Text(100, { examples: ['内科'] }), description: Description })

const MinorBody = Type.Object({
  major_dept_id: Id,
  name: Text(100, { examples: ['心内科'] }),
  description: Description,
  ...priceInputs,
})

const MajorRow = Type.Object({
  major_dept_id: Id,
  name: Type.String(),
  description: Nullable(Type.String()),
  create_time: Moment,
})

const Minor = Type.Object({
  minor_dept_id: Id,
  major_dept_id: Id,
  name: Type.String(),
  description: Nullable(Type.String()),
  ...priceFields,
})

const MinorRow = Type.Object({ ...Minor.properties, create_time: Moment })

const MajorParams = ids('dept_id')
const MinorParams = ids('minor_dept_id')

const presentMinor = ({ id, majorId, name, description, prices }: service.PricedDepartment) => ({
  minor_dept_id: id,
  major_dept_id: majorId,
  name,
  description,
  ...priceMembers(prices),
})

/** Routes of the departments, for the administration and for patients. */
export function departmentRoutes(app: App, kernel: Kernel): void {
  majorList(app, kernel)
  majorChanges(app, kernel)
  minorList(app, kernel)
  minorChanges(app, kernel)
}

function majorList(app: App, kernel: Kernel): void {
  for (const [paths, permission, operationId] of [
    [admin('/major-departments'), 'clinic:manage', 'listMajorDepartments'],
    [['/patient/major-departments'], 'public', 'listMajorDepartmentsForPatients'],
  ] as const)
    route(app, {
      method: 'GET',
      paths: [paths[0], ...paths.slice(1)],
      operationId,
      permission,
      summary: 'List the major departments',
      tag,
      schema: { response: { 200: Answer(Type.Object({ departments: Type.Array(MajorRow) })) } },
      handler: async () => {
        const departments = await kernel.withRetries(listMajors)
        return answer({
          departments: departments.map(({ id, name, description, createTime }) => ({
            major_dept_id: id,
            name,
            description,
            create_time: moment(createTime, kernel.config.timeZone),
          })),
        })
      },
    })
}

function majorChanges(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/major-departments'),
    permission: 'clinic:manage',
    summary: 'Add a major department',
    tag,
    schema: { body: MajorBody, response: { 200: Detail } },
    handler: async (request) => {
      const { name, description = null } = request.body
      await service.addMajor(kernel, callerOf(request), { name, description })
      return detail(`成功创建大科室：${name}`)
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/major-departments/{dept_id}'),
    permission: 'clinic:manage',
    summary: 'Change a major department',
    tag,
    schema: { params: MajorParams, body: Type.Partial(MajorBody), response: { 200: Detail } },
    handler: async (request) => {
      const { name, description } = request.body
      const change = { ...(name !== undefined && { name }), ...(description !== undefined && { description }) }
      await service.changeMajor(kernel, callerOf(request), request.params.dept_id, change)
      return detail('成功更新大科室信息')
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/major-departments/{dept_id}'),
    permission: 'clinic:manage',
    summary: 'Delete a major department without minor ones',
    tag,
    schema: { params: MajorParams, response: { 200: Detail } },
    handler: async (request) => {
      await service.removeMajor(kernel, callerOf(request), request.params.dept_id)
      return detail('成功删除大科室')
    },
  })
}

function minorList(app: App, kernel: Kernel): void {
  for (const [paths, permission, operationId] of [
    [admin('/minor-departments'), 'clinic:manage', 'listMinorDepartments'],
    [['/patient/minor-departments'], 'public', 'listMinorDepartmentsForPatients'],
  ] as const)
    route(app, {
      method: 'GET',
      paths: [paths[0], ...paths.slice(1)],
      operationId,
      permission,
      summary: 'List the minor departments with their prices',
      tag,
      schema: {
        querystring: maybePaged({ major_dept_id: Type.Optional(Id) }),
        response: { 200: Answer(Type.Object({ departments: Type.Array(MinorRow), total: Type.Integer() })) },
      },
      handler: async (request) => {
        const { major_dept_id: majorId, ...page } = request.query
        const { items, total } = await service.listMinors(kernel, { majorId, ...limits(page) })
        const departments = items.map((item) => ({
          ...presentMinor(item),
          create_time: moment(item.createTime, kernel.config.timeZone),
        }))
        return answer({ departments, total })
      },
    })
}

function minorChanges(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/minor-departments'),
    permission: 'clinic:manage',
    summary: 'Add a minor department with its prices',
    tag,
    schema: { body: MinorBody, response: { 200: Answer(Minor) } },
    handler: async (request) => {
      const { major_dept_id: majorId, name, description = null } = request.body
      const content = { majorId, name, description }
      return answer(presentMinor(await service.addMinor(kernel, callerOf(request), content, pricesFrom(request.body))))
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/minor-departments/{minor_dept_id}'),
    permission: 'clinic:manage',
    summary: 'Change a minor department and its prices',
    description: 'A price that is null is taken away, an absent one stays.',
    tag,
    schema: { params: MinorParams, body: Type.Partial(MinorBody), response: { 200: Answer(Minor) } },
    handler: async (request) => {
      const { major_dept_id: majorId, name, description } = request.body
      const change = {
        ...(majorId !== undefined && { majorId }),
        ...(name !== undefined && { name }),
        ...(description !== undefined && { description }),
      }
      const { minor_dept_id: id } = request.params
      return answer(
        presentMinor(await service.changeMinor(kernel, callerOf(request), id, change, pricesFrom(request.body))),
      )
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/minor-departments/{minor_dept_id}'),
    permission: 'clinic:manage',
    summary: 'Delete a minor department without doctors and clinics',
    tag,
    schema: { params: MinorParams, response: { 200: Detail } },
    handler: async (request) => {
      const name = await service.removeMinor(kernel, callerOf(request), request.params.minor_dept_id)
      return detail(`成功删除小科室 ${name}`)
    },
  })
}

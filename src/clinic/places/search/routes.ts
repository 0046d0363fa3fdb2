import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { search } from './store.ts'

const Found = Type.Object({
  type: Type.Enum(['doctor', 'department']),
  id: Id,
  name: Type.String(),
  title: Nullable(Type.String()),
  specialty: Nullable(Type.String()),
  department_id: Id,
  department_name: Type.String(),
})

/** Route for searching doctors and departments. */
export function searchRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/search/global'],
    operationId: 'searchClinic',
    permission: 'public',
    summary: 'Search departments and doctors by name, specialty or pinyin initials',
    tag: 'Clinic search',
    schema: {
      querystring: Type.Object({
        keyword: Text(50, { examples: ['xnk'] }),
        page_size: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
      }),
      response: {
        200: Answer(
          Type.Object({
            results: Type.Array(Found),
            doctor_count: Type.Integer(),
            department_count: Type.Integer(),
            total: Type.Integer(),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { keyword, page_size: limit } = request.query
      const { found, doctors, departments } = await kernel.withRetries((db) => search(db, keyword.trim(), limit))
      const results = found.map(({ type, id, name, title, specialty, deptId, deptName }) => ({
        type,
        id,
        name,
        title,
        specialty,
        department_id: deptId,
        department_name: deptName,
      }))
      return answer({ results, doctor_count: doctors, department_count: departments, total: doctors + departments })
    },
  })
}

import { afterAll, describe, expect, it } from 'vitest'
import { type Method, openWorld } from '../support/world.ts'
import { leftOpen, type Operation, readDocument } from './operations.ts'

// The published web client of the room product works unchanged: these tests cover its expectations of every path (see
// the page of the published web client).

const world = await openWorld()
if (!world.app) throw new Error('a world serves')
const operations = readDocument(world.app).operations.filter(({ product }) => product === 'room')
const administrator = await world.person('admin')
const student = await world.person('room:user')
afterAll(() => world.close())

const UNKNOWN_ID = '987654321'
const pathOf = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, UNKNOWN_ID)
const call = (operation: Operation, options = {}, prefix = '') =>
  world.call(operation.method satisfies Method, `${prefix}${pathOf(operation)}`, options)

/** Runs `look` on the operations that `about` selects; returns the problems that it finds. */
async function faults(about: (operation: Operation) => boolean, look: (operation: Operation) => Promise<unknown>) {
  const chosen = operations.filter(about)
  expect(chosen.length).toBeGreaterThan(0)
  const found = []
  for (const operation of chosen) {
    const fault = await look(operation)
    if (fault !== undefined) found.push({ operation: operation.name, fault })
  }
  return found
}

const needsLogIn = (operation: Operation) => operation.permission !== 'public'
const isDesk = (operation: Operation) => operation.permission.startsWith('manage:facility:')

describe('Every path of the room product', () => {
  it.each(['', '/prod-api', '/dev-api', '/stage-api'])(
    'under the prefix "%s" answers HTTP 200 with code 401 without a log-in',
    async (prefix) => {
      const found = await faults(needsLogIn, async (operation) => {
        const { status, body } = await call(operation, {}, prefix)
        return status === 200 && body.code === 401 && body.msg !== '' ? undefined : { status, body }
      })
      expect(found).toEqual([])
    },
  )

  it('answers HTTP 200 with code 403 and the name of a missing permission', async () => {
    const found = await faults(isDesk, async (operation) => {
      const { status, body } = await call(operation, { as: student })
      const right = status === 200 && body.code === 403 && body.msg.includes(operation.permission)
      return right ? undefined : { status, body }
    })
    expect(found).toEqual([])
  })

  it('answers HTTP 200 with a code and a message to any body', async () => {
    const found = await faults(needsLogIn, async (operation) => {
      const bodies = operation.method === 'GET' ? [undefined] : [undefined, {}, [], { id: 'x' }]
      for (const payload of bodies) {
        const { status, headers, body } = await call(operation, { as: administrator, payload })
        if (!String(headers['content-type']).includes('json')) continue
        if (status !== 200 || typeof body.code !== 'number' || typeof body.msg !== 'string') return { status, body }
      }
      return undefined
    })
    expect(found).toEqual([])
  })

  it('answers an unsupported method in the same form, even if the rest of the request is wrong too', async () => {
    const found = await faults(
      () => true,
      async (operation) => {
        const headers = { 'content-type': 'application/nonsense' }
        const path = `${pathOf(operation)}?__proto__=%zz`
        const { status, body } = await world.call('PATCH', path, { headers, payload: '{' })
        return status === 200 && body.code === 405 && typeof body.msg === 'string' ? undefined : { status, body }
      },
    )
    expect(found).toEqual([])
  })

  it('accepts extra members of a body, because the client sends whole rows back', async () => {
    const found = await faults(
      (operation) => operation.body !== undefined && operation.permission !== 'public',
      async (operation) => {
        const payload = { somethingOfTheirs: { deep: [1] }, delFlag: '0', params: {}, createBy: null }
        const { body } = await call(operation, { as: administrator, payload })
        return JSON.stringify(body).includes('somethingOfTheirs') ? body : undefined
      },
    )
    expect(found).toEqual([])
  })
})

describe('Every body of the room product', () => {
  it('accepts an empty text for an optional id, time or choice that was left open', async () => {
    const found = await faults(
      (operation) => operation.body !== undefined && operation.permission !== 'public',
      async (operation) => {
        const open = leftOpen(operation)
        const payload = Object.fromEntries(open.map((name) => [name, '']))
        const { body } = await call(operation, { as: administrator, payload })
        return open.find(
          (name) => String(body.msg).includes(`${name} 不合法`) || String(body.msg).includes(`${name} 只能`),
        )
      },
    )
    expect(found).toEqual([])
  })
})

describe('Every list of the room product', () => {
  const isList = (operation: Operation) =>
    operation.method === 'GET' && operation.parameters.some(({ name }) => name === 'pageSize')

  it('treats empty parameters as absent', async () => {
    const found = await faults(isList, async (operation) => {
      const query = operation.parameters.filter((one) => one.in === 'query' && !one.required).map(({ name }) => name)
      const path = `${pathOf(operation)}?${query.map((name) => `${name}=`).join('&')}`
      const { status, body } = await world.call('GET', path, { as: administrator })
      const right = status === 200 && (body.code === 200 || operation.path.includes('{'))
      return right && (body.code !== 200 || Array.isArray(body.rows)) ? undefined : body
    })
    expect(found).toEqual([])
  })

  it('accepts pageSize=10000, as pickers send it, and returns the total', async () => {
    const found = await faults(isList, async (operation) => {
      const { body } = await world.call('GET', `${pathOf(operation)}?pageNum=1&pageSize=10000`, { as: administrator })
      const required = operation.parameters.some((one) => one.in === 'query' && one.required)
      return required || body.code !== 200 || Number.isInteger(body.total) ? undefined : body
    })
    expect(found).toEqual([])
  })

  it('can be sorted by a column, in the spelling of its rows or of the tables', async () => {
    const found = await faults(isList, async (operation) => {
      const columns = operation.parameters.find(({ name }) => name === 'orderByColumn')?.schema.enum
      if (!Array.isArray(columns)) return operation.parameters
      for (const column of columns) {
        const snake = String(column).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
        if (!columns.includes(snake)) return `${snake} is missing`
        const { body } = await world.call('GET', `${pathOf(operation)}?orderByColumn=${column}&isAsc=desc`, {
          as: administrator,
        })
        if (body.code !== 200 && !operation.path.includes('{')) return body
      }
      return undefined
    })
    expect(found).toEqual([])
  })

  it('refuses an unknown sort column or direction with a code of the 400 class, before any SQL', async () => {
    const found = await faults(isList, async (operation) => {
      for (const [name, query] of [
        ['orderByColumn', 'orderByColumn=del_flag;drop&isAsc=asc'],
        ['isAsc', 'isAsc=sideways'],
      ] as const) {
        const { status, body } = await world.call('GET', `${pathOf(operation)}?${query}`, { as: administrator })
        const right = status === 200 && body.code >= 400 && body.code <= 499 && body.msg.includes(name)
        if (!right) return body
      }
      return undefined
    })
    expect(found).toEqual([])
  })
})

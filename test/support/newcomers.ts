import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { PASSWORD } from './site.ts'
import { openWorld, type Person, type World } from './world.ts'

// People who register, for tests of the data that the site stores about them.

export let world: World
export let admin: Person
export let count = 0

/** Opens a world for the tests of a file. Each test uses its own username. */
export function openNewcomers(): void {
  beforeAll(async () => {
    world = await openWorld()
    admin = await world.person('admin')
  })
  afterAll(() => world.close())
  beforeEach(() => {
    count += 1
  })
}

/** Changes the username, so that another person can register in the same test. */
export function someoneElse(): void {
  count += 1
}

export const register = (payload: object = {}) =>
  world.call('POST', '/api/v1/users/register', {
    payload: { username: `wanglei${count}`, password: PASSWORD, ...payload },
  })

export async function logIn(username = `wanglei${count}`) {
  const { status, body } = await world.call('POST', '/api/v1/users/login', {
    payload: { username, password: PASSWORD },
  })
  return { status, code: body.code, as: { id: body.user?.id, token: body.access_token } }
}

/** Registers and logs in a person. */
export async function someone(payload: object = {}): Promise<Person> {
  expect((await register(payload)).status).toBe(201)
  return (await logIn()).as
}

export const typesOf = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)

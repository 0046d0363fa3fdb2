import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, openCrm } from '../../../../test/support/crm.ts'
import { IMPORTS, importsIn } from '../../../../test/support/crmImports.ts'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { type Call, callsBy, foundWhenBroken } from '../../../../test/support/world.ts'
import { memberColumns } from '../../core/members.ts'
import { insertMember } from '../../core/membersStore.ts'

let world: CrmWorld
let call: Call
let imports: ReturnType<typeof importsIn>

beforeAll(async () => {
  world = await openCrm()
  call = callsBy(world, world.service)
  imports = importsIn(world)
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

describe('the course of an import', () => {
  const file = (prefix: string, count: number) =>
    `phone\n${Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(4, '0')}`).join('\n')}\n`

  test('each row is imported once, wherever a run was ended', async () => {
    const { body } = await imports.send(file('096600', 30))
    const { id } = body.data
    await call('POST', `${IMPORTS}/${id}/commit`)
    // The database refuses the members of some rows, as if the process died there.
    await world.rows(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.phone_e164 = '+886966000017' THEN RAISE EXCEPTION 'killed' USING ERRCODE = 'XX000'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER die BEFORE INSERT ON members FOR EACH ROW EXECUTE FUNCTION die();`)
    await expect(world.kernel.jobs.runNow('crm.import', { id })).rejects.toThrow('killed')
    expect((await call('GET', `${IMPORTS}/${id}`)).body.data).toMatchObject({ state: 'running', created: 17 })
    await expect(world.kernel.jobs.runNow('crm.import', { id })).rejects.toThrow('killed')
    expect(await imports.membersBy("phone LIKE '096600%'")).toHaveLength(17)
    await world.rows('DROP TRIGGER die ON members; DROP FUNCTION die()')
    await world.kernel.jobs.runNow('crm.import', { id })
    await world.kernel.jobs.runNow('crm.import', { id })
    await world.drain()
    expect((await call('GET', `${IMPORTS}/${id}`)).body.data).toMatchObject({ state: 'done', created: 30, failed: 0 })
    expect(await imports.membersBy("phone LIKE '096600%'")).toHaveLength(30)
  })

  test('two runs at once import each row once', async () => {
    const { body } = await imports.send(file('096601', 40))
    const { id } = body.data
    await call('POST', `${IMPORTS}/${id}/commit`)
    const run = () => world.kernel.jobs.runNow('crm.import', { id })
    await Promise.all([run(), run(), run()])
    expect((await call('GET', `${IMPORTS}/${id}`)).body.data).toMatchObject({
      state: 'done',
      created: 40,
      updated: 0,
      skipped: 0,
      failed: 0,
    })
    expect(await imports.membersBy("phone LIKE '096601%'")).toHaveLength(40)
    await world.drain()
  })

  test('an import whose process died is gone on with after a minute', async () => {
    const { body } = await imports.send(file('096602', 3))
    const { id } = body.data
    await call('POST', `${IMPORTS}/${id}/commit`)
    // The job is lost with its process.
    await world.rows("DELETE FROM pgboss.job WHERE name = 'crm.import'")
    const state = async () => (await call('GET', `${IMPORTS}/${id}`)).body.data.state
    world.clock.advance(1)
    await world.kernel.jobs.runNow('crm.imports')
    await world.drain()
    expect(await state()).toBe('queued')
    world.clock.advance(1 / 60_000)
    await world.kernel.jobs.runNow('crm.imports')
    await world.drain()
    expect(await state()).toBe('done')
  })

  test('a long file takes several runs', { timeout: 120_000 }, async () => {
    const { body } = await imports.send(file('096701', 1001))
    await call('POST', `${IMPORTS}/${body.data.id}/commit`)
    await world.kernel.jobs.runNow('crm.import', { id: body.data.id })
    expect((await call('GET', `${IMPORTS}/${body.data.id}`)).body.data).toMatchObject({
      state: 'running',
      created: 1000,
    })
    await world.drain()
    expect((await call('GET', `${IMPORTS}/${body.data.id}`)).body.data).toMatchObject({ state: 'done', created: 1001 })
  })

  test('is cancelled before or during the import, and only then', async () => {
    const { body } = await imports.send(file('096603', 3))
    const { id } = body.data
    await call('POST', `${IMPORTS}/${id}/commit`)
    const cancelled = await call('POST', `${IMPORTS}/${id}/cancel`)
    expect([cancelled.body.message, cancelled.body.data.state]).toEqual(['Import cancelled', 'cancelled'])
    await world.drain()
    expect(await imports.membersBy("phone LIKE '096603%'")).toEqual([])
    expect((await imports.rowsOf(id)).items[0]).toMatchObject({ state: 'valid', member: null })
    for (const what of ['cancel', 'commit'])
      expect((await call('POST', `${IMPORTS}/${id}/${what}`)).body).toMatchObject({
        code: 409,
        reason: 'wrong_state',
        message: 'This import is cancelled.',
      })
    const done = await imports.importFile(file('096604', 1))
    expect((await call('POST', `${IMPORTS}/${done.id}/cancel`)).status).toBe(409)
    expect((await call('POST', `${IMPORTS}/${done.id}/commit`)).status).toBe(409)
    for (const path of ['commit', 'cancel']) expect((await call('POST', `${IMPORTS}/999999/${path}`)).status).toBe(404)
    for (const path of ['999999', '999999/rows']) expect((await call('GET', `${IMPORTS}/${path}`)).status).toBe(404)
  })

  test('stops in the middle when it is cancelled', async () => {
    const { body } = await imports.send(file('096608', 20))
    const { id } = body.data
    await call('POST', `${IMPORTS}/${id}/commit`)
    await world.rows(`
      CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.phone_e164 = '+886966080004' THEN UPDATE crm_imports SET state = 'cancelled' WHERE id = ${id}; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER cancel BEFORE INSERT ON members FOR EACH ROW EXECUTE FUNCTION cancel();`)
    await world.drain()
    await world.rows('DROP TRIGGER cancel ON members; DROP FUNCTION cancel()')
    expect(await imports.membersBy("phone LIKE '096608%'")).toHaveLength(5)
    expect((await call('GET', `${IMPORTS}/${id}`)).body.data).toMatchObject({ state: 'cancelled', created: 5 })
  })

  test('is cancelled while it runs', async () => {
    const { body } = await imports.send(file('096609', 2))
    await call('POST', `${IMPORTS}/${body.data.id}/commit`)
    await world.rows(`UPDATE crm_imports SET state = 'running' WHERE id = ${body.data.id}`)
    expect((await call('POST', `${IMPORTS}/${body.data.id}/cancel`)).body.data.state).toBe('cancelled')
    await world.drain()
    expect(await imports.membersBy("phone LIKE '096609%'")).toEqual([])
  })

  test.runIf(onServer)('a row whose number somebody takes at that moment is about that member', async () => {
    const { body } = await imports.send('phone,名\n0966100000,賽\n')
    await call('POST', `${IMPORTS}/${body.data.id}/commit`)
    let draining: Promise<void> | undefined
    await world.database.db.transaction().execute(async (tx) => {
      const { columns } = memberColumns(world.kernel, { phone: '0966-100-000' })
      await insertMember(tx, { ...columns, source: 'crm' }, world.clock.now())
      draining = world.drain()
      await waitForLocks(world.database.db, 1)
    })
    await draining
    expect((await call('GET', `${IMPORTS}/${body.data.id}`)).body.data).toMatchObject({
      updated: 1,
      created: 0,
      failed: 0,
    })
    expect(await imports.membersBy("phone_e164 = '+886966100000'")).toMatchObject([
      { first_name: '賽', phone: '0966-100-000' },
    ])
  })

  test('of two commits at once one starts the import', async () => {
    const { body } = await imports.send(file('096605', 2))
    const answers = await Promise.all([1, 2].map(() => call('POST', `${IMPORTS}/${body.data.id}/commit`)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    await world.drain()
    expect(await imports.membersBy("phone LIKE '096605%'")).toHaveLength(2)
  })

  test('rows of a preview are deleted after 7 days, and after the import', async () => {
    const { body } = await imports.send(file('096606', 2))
    const { id } = body.data
    const kept = async () =>
      (await world.rows(`SELECT 1 FROM crm_import_rows WHERE import_id = ${id} AND member IS NOT NULL`)).length
    world.clock.advance(7 * 1440 - 1 / 60_000)
    await world.kernel.jobs.runNow('crm.imports')
    expect(await kept()).toBe(2)
    world.clock.advance(1 / 60_000)
    await world.kernel.jobs.runNow('crm.imports')
    expect(await kept()).toBe(0)
    expect((await call('GET', `${IMPORTS}/${id}`)).body.data.state).toBe('expired')
    expect((await call('POST', `${IMPORTS}/${id}/commit`)).body.reason).toBe('wrong_state')
    const done = await imports.importFile(`${file('096607', 1)}bad\n`)
    expect(
      await world.rows(`SELECT 1 FROM crm_import_rows WHERE import_id = ${done.id} AND member IS NOT NULL`),
    ).toEqual([])
    expect(done.failures).toMatchObject([{ line: 3, state: 'invalid', member: null, errors: [{ field: 'phone' }] }])
  })

  test('imports are listed, the latest first', async () => {
    const { body } = await call('GET', `${IMPORTS}?state=done&page_size=2`)
    expect(body.data.items).toHaveLength(2)
    expect(body.data.items[0].id).toBeGreaterThan(body.data.items[1].id)
    expect(body.data.items[0].created_by.id).toBe(world.service.id)
    expect((await call('GET', `${IMPORTS}?state=expired`)).body.data.total).toBe(1)
  })

  test('the template has the headings, and can be sent back', async () => {
    for (const format of ['xlsx', 'csv']) {
      const { rawPayload, statusCode } = await world.app.inject({
        url: `${IMPORTS}/template?format=${format}`,
        headers: { authorization: `Bearer ${world.service.token}` },
      })
      expect(statusCode).toBe(200)
      expect((await imports.send(rawPayload)).body.errors[0].message).toBe('has no rows below its headings')
    }
  })

  test('verify finds wrong counters', async () => {
    const [one] = await world.rows<{ id: number }>("SELECT min(id) AS id FROM crm_imports WHERE state = 'done'")
    const at = `WHERE id = ${one?.id ?? 0}`
    expect(
      await foundWhenBroken(
        world,
        `UPDATE crm_imports SET skipped = skipped + 1 ${at}`,
        `UPDATE crm_imports SET skipped = skipped - 1 ${at}`,
      ),
    ).toHaveLength(1)
  })
})

import { afterAll, expect, it } from 'vitest'
import { hospitalAdmin, patient } from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

it('is given, read by its author, and answered by staff', async () => {
  const [person, other, admin] = [await patient(world), await patient(world), await hospitalAdmin(world)]
  const content = '挂号页面'.repeat(20)
  const payload = { type: 'suggestion', content, contactPhone: '13800000000' }
  const { feedback_id: id } = (await world.call('POST', '/common/feedback', { as: person, payload })).body.message
  expect((await world.call('GET', '/common/feedback', { as: person })).body.message).toEqual([
    { feedback_id: id, type: 'suggestion', content: content.slice(0, 30), submitDate: '2026-03-02', status: 'pending' },
  ])
  const read = async (as: typeof person) => (await world.call('GET', `/common/feedback/${id}`, { as })).body
  expect(await read(other)).toMatchObject({ code: 106 })
  expect((await read(person)).message).toMatchObject({ content, typeText: '建议', contactPhone: '13800000000' })
  const set = await world.call('PUT', `/admin/feedbacks/${id}/status`, { as: admin, payload: { status: 'replied' } })
  expect(set.body).toMatchObject({ code: 0 })
  const all = (await world.call('GET', '/admin/feedbacks?status=replied', { as: admin })).body.message.feedbacks
  expect(all).toMatchObject([{ feedback_id: id, user_id: person.id }])
  const unknown = await world.call('PUT', '/admin/feedbacks/999999/status', {
    as: admin,
    payload: { status: 'closed' },
  })
  expect(unknown.body).toMatchObject({ code: 106 })
})

it('is refused when it is too long or of an unknown type', async () => {
  const as = await patient(world)
  for (const payload of [
    { type: 'bug', content: 'x'.repeat(501) },
    { type: 'other', content: 'x' },
    { type: 'bug', content: ' ' },
  ])
    expect((await world.call('POST', '/common/feedback', { as, payload })).body).toMatchObject({ code: 99 })
})

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type Person } from '../../../test/support/world.ts'
import { askedTerms, termsOf } from './rules.ts'
import { answersTo } from './service.ts'

const world = await openWorld()
const staff = await world.person('venue:support')
afterAll(() => world.close())

describe('the search terms of a text', () => {
  it('are each pair of neighbouring Chinese characters and each word of letters or digits', () => {
    expect(termsOf('取消预约')).toEqual(['取消', '消预', '预约'])
    expect(termsOf('WiFi 密码，ＡＢＣ１２3')).toEqual(['wifi', '密码', 'abc123'])
    expect(termsOf('我用wifi吗')).toEqual(['我用', 'wifi', '吗'])
    expect(termsOf(' …？ ')).toEqual([])
  })

  it('of every part of a text are among the terms of the whole', () => {
    const text = fc.string({ unit: fc.constantFrom(...'预约取消场馆'), minLength: 4, maxLength: 20 })
    fc.assert(
      fc.property(text, fc.nat(3), (whole, start) => {
        const terms = termsOf(whole)
        for (const term of termsOf(whole.slice(start, start + 4))) if (term.length > 1) expect(terms).toContain(term)
      }),
    )
  })

  it('leave out common question words, unless there are no others', () => {
    expect(askedTerms('请问怎么取消预约呢？')).toEqual(['取消', '消预', '预约'])
    expect(askedTerms('怎么办')).toEqual(['怎么', '么办'])
  })
})

const add = (payload: object, as = staff) => world.call('POST', '/api/admin/support/faqs', { as, payload })
const search = async (query: Readonly<Record<string, string>>, path = '/api/v1/support/faqs', as?: Person) => {
  const { status, body } = await world.call('GET', `${path}?${new URLSearchParams(query)}`, as && { as })
  expect(status, JSON.stringify(body)).toBe(200)
  return body.items.map((item: { question: string }) => item.question)
}

describe('frequent questions', () => {
  const cancel = '如何取消预约？'
  const swim = '游泳馆几点开放？'
  const password = '忘记密码怎么办？'
  const late = '迟到了还能入场吗？'

  beforeAll(async () => {
    const entries = [
      { question: swim, answer: '每天 7:00 到 22:00。', category: '场馆', position: 2 },
      { question: cancel, answer: '打开“我的预约”，点“取消”。', category: '预约', position: 1, keywords: '退订 撤销' },
      { question: password, answer: '在登录页点“忘记密码”，用邮箱验证码重设。', category: '账号', position: 3 },
      { question: late, answer: '开始后 15 分钟内可签到，否则预约作废。', category: '预约', position: 4 },
      { question: '草稿', answer: '取消预约的新办法', category: '预约', published: false },
    ]
    for (const entry of entries) expect((await add(entry)).status).toBe(201)
  })

  it('are public, in their order, published ones only', async () => {
    expect(await search({})).toEqual([cancel, swim, password, late])
    expect(await search({ category: '预约' }, '/api/support/faqs')).toEqual([cancel, late])
    expect(await search({ page_size: '1', page: '2' })).toEqual([swim])
  })

  it.each([
    ['预约', [cancel, late]],
    ['取消', [cancel]],
    ['怎么取消预约', [cancel, late]],
    ['退订', [cancel]],
    ['密码忘了', [password]],
    ['泳', [swim]],
    ['22:00', [swim]],
    ['乒乓球', []],
    ['？', [cancel, swim, password, late]],
    ['%', []],
  ])('find %s', async (q, found) => {
    expect(await search({ q })).toEqual(found)
  })

  it('are searched through an index', async () => {
    await world.rows(`INSERT INTO faqs
        (category, question, answer, question_terms, terms, published, created_at, updated_at)
      SELECT 'x', 'q', 'a', ARRAY['t' || i], ARRAY['t' || i], false, now(), now() FROM generate_series(1, 5000) i`)
    await world.rows('ANALYZE faqs')
    const plan = await world.rows(
      `EXPLAIN SELECT id FROM faqs f WHERE f.published AND f.terms && ARRAY['取消', '预约']`,
    )
    expect(JSON.stringify(plan)).toContain('faqs_terms')
    await world.rows(`DELETE FROM faqs WHERE category = 'x'`)
  })

  it('answer a question when they match enough of it', async () => {
    const answers = async (question: string) => (await answersTo(world.kernel, question, 3)).map((faq) => faq.question)
    expect((await answers('你好，我想取消明天的预约可以吗'))[0]).toBe(cancel)
    expect((await answers('我的密码忘记了'))[0]).toBe(password)
    expect(await answers('附近有什么好吃的餐厅')).toEqual([])
  })

  it('are managed by support', async () => {
    const { body } = await add({ question: '停车收费吗？', answer: '免费。' })
    expect(body).toMatchObject({ category: '其他', position: 0, published: true, keywords: '' })
    const path = `/api/admin/support/faqs/${body.id}`
    const changed = await world.call('PUT', path, {
      as: staff,
      payload: { question: '车位收费吗？', published: false },
    })
    expect(changed.body).toMatchObject({ question: '车位收费吗？', answer: '免费。', published: false })
    expect((await world.call('GET', `/api/v1/support/faqs/${body.id}`)).status).toBe(404)
    expect(await search({ q: '车位', published: 'false' }, '/api/admin/support/faqs', staff)).toEqual(['车位收费吗？'])
    await world.call('PUT', path, { as: staff, payload: { published: true } })
    expect(await search({ q: '车位' })).toEqual(['车位收费吗？'])
    expect(await search({ q: '停车' })).toEqual([])
    expect((await world.call('DELETE', path, { as: staff })).status).toBe(204)
    expect((await world.call('DELETE', path, { as: staff })).status).toBe(404)
    expect((await world.call('PUT', path, { as: staff, payload: {} })).status).toBe(404)
    await world.drain()
    const log = await world.rows(
      `SELECT action FROM operation_log WHERE resource = 'faq' AND resource_id = '${body.id}'`,
    )
    expect(log).toHaveLength(4)
    const anna = await world.person('venue:leader')
    expect((await add({ question: 'a', answer: 'b' }, anna)).status).toBe(403)
  })
})

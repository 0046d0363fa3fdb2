import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'
import { loadConfig } from '../../config.ts'

/** Requests to the fake OpenAI-compatible endpoint. */
interface Asked {
  readonly path: string
  readonly key: string | undefined
  readonly body: { model: string; stream: boolean; messages: { role: string; content: string }[] }
}

const asked: Asked[] = []
let respond: (response: ServerResponse) => void = () => {}
const json =
  (value: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
const completion = (content: unknown) => json({ choices: [{ message: { role: 'assistant', content } }] })

const model = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const { url = '', headers } = request
    asked.push({ path: url, key: headers.authorization, body: JSON.parse(Buffer.concat(parts).toString()) })
    respond(response)
  })
})

await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
const { port } = model.address() as AddressInfo
const world = await openWorld({
  SUPPORT_LLM_URL: `http://127.0.0.1:${port}/v1/`,
  SUPPORT_LLM_KEY: 'sk-secret',
  SUPPORT_LLM_MODEL: 'test-model',
  SUPPORT_LLM_TIMEOUT_SECONDS: '1',
})
const agent = await world.person('venue:support')
const anna = await world.person()
const faq = { question: '如何取消预约？', answer: '打开“我的预约”，点“取消”。' }
await world.call('POST', '/api/admin/support/faqs', { as: agent, payload: faq })
const session = (await world.call('POST', '/api/v1/support/chat', { as: anna })).body.id
afterAll(async () => {
  model.closeAllConnections()
  model.close()
  await world.close()
})

/** Asks the bot and returns its answer. */
async function ask(content: string): Promise<string> {
  const path = `/api/v1/support/chat/sessions/${session}/messages`
  const { body } = await world.call('POST', path, { as: anna, payload: { content } })
  await world.drain()
  const { items } = (await world.call('GET', `${path}?sort=-id`, { as: anna })).body
  expect(items[0]).toMatchObject({ author: 'bot', reply_to: body.id })
  return items[0].content
}

describe('a language model', () => {
  it('gets the conversation and the matching FAQs, with its API key', async () => {
    respond = completion(' 您可以在“我的预约”里取消。 ')
    expect(await ask('怎么取消预约')).toBe('您可以在“我的预约”里取消。')
    respond = completion('不客气')
    await ask('谢谢')
    expect(asked.map(({ path, key }) => [path, key])).toEqual(
      Array(2).fill(['/v1/chat/completions', 'Bearer sk-secret']),
    )
    const [first, second] = asked.map(({ body }) => body)
    expect(first).toMatchObject({ model: 'test-model', stream: false })
    expect(first?.messages[0]?.role).toBe('system')
    expect(first?.messages[0]?.content).toContain('打开“我的预约”，点“取消”。')
    expect(second?.messages.slice(1)).toEqual([
      { role: 'user', content: '怎么取消预约' },
      { role: 'assistant', content: '您可以在“我的预约”里取消。' },
      { role: 'user', content: '谢谢' },
    ])
  })

  it('has its answer cut when it is too long', async () => {
    respond = completion('长'.repeat(10_000))
    expect(await ask('讲个故事')).toHaveLength(4000)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['fails', json({ error: 'overloaded' }, 500)],
    ['refuses the key', json({ error: 'no' }, 401)],
    ['answers nonsense', (response) => response.end('<html>')],
    ['answers without choices', json({ choices: [] })],
    ['answers nothing', completion(' ')],
    ['answers no text', completion({ a: 1 })],
    ['answers too much', completion('x'.repeat(600_000))],
    ['breaks off', (response) => response.destroy()],
    ['takes too long', () => {}],
    ['sends us elsewhere', (response) => response.writeHead(307, { location: '/elsewhere' }).end()],
  ])('is replaced by the built-in bot when it %s', async (_, answer) => {
    respond = answer
    const before = asked.length
    expect(await ask('怎么取消预约')).toContain('打开“我的预约”，点“取消”。')
    expect(asked).toHaveLength(before + 1)
  })

  it('is not called once a human was requested', async () => {
    const before = asked.length
    const path = `/api/v1/support/chat/sessions/${session}`
    await world.call('POST', `${path}/handover`, { as: anna })
    await world.call('POST', `${path}/messages`, { as: anna, payload: { content: '在吗' } })
    await world.drain()
    expect(asked).toHaveLength(before)
  })

  it('requires a model name', () => {
    expect(() => loadConfig({ SUPPORT_LLM_URL: 'https://api.example.com/v1' })).toThrow('SUPPORT_LLM_MODEL: not set')
  })
})

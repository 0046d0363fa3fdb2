import type { Kernel } from '../../kernel/kernel.ts'
import { answersTo } from '../faqs/service.ts'
import { supportSettings } from '../settings.ts'
import { botOf, type Question } from './bot.ts'
import { getMessage } from './service.ts'
import * as store from './store.ts'

/** Number of messages before a question that the bot gets. */
const MEMORY = 10
const FAQS = 4

/** Lets the bot answer a message of a session that it serves. A message gets one answer, however often this runs. */
export async function answerMessage(kernel: Kernel, payload: unknown): Promise<void> {
  const message = await getMessage(kernel, messageId(payload))
  const session = await store.findSession(kernel.db, message.sessionId)
  if (session?.status !== 'bot') return
  const question = await questionOf(kernel, message)
  const content = await botOf(kernel).answer(question)
  await kernel.transaction(async (tx) => {
    // Meanwhile a human may have been asked for, or the session closed.
    const now = await store.lockSession(tx, message.sessionId)
    if (now?.status !== 'bot') return
    await store.addMessage(tx, {
      sessionId: message.sessionId,
      author: 'bot',
      content,
      replyTo: message.id,
      faqIds: question.faqs.map(({ id }) => id),
      now: kernel.clock.now(),
    })
  })
}

/** Number of questions in one run of `answerForgotten`. */
const FORGOTTEN_BATCH = 100
/** Seconds after the bot's own time-out. A question that is still unanswered then is not being worked on. */
const GRACE_SECONDS = 10

/**
 * Answers questions whose process was killed: their jobs come back only when they expire, which is too long to wait. A
 * question still gets one answer.
 */
export async function answerForgotten(kernel: Kernel): Promise<void> {
  const seconds = supportSettings.of(kernel.config).llmTimeoutSeconds + GRACE_SECONDS
  const before = new Date(kernel.clock.now().getTime() - seconds * 1000)
  for (const id of await store.unanswered(kernel.db, before, FORGOTTEN_BATCH)) {
    await answerMessage(kernel, { message_id: id })
  }
}

async function questionOf(kernel: Kernel, { sessionId, id, content }: store.ChatMessage): Promise<Question> {
  const said = await store.messagesUpTo(kernel.db, sessionId, id, MEMORY + 1)
  const before = said.flatMap((one) => {
    const { author } = one
    return one.id === id || author === 'system' ? [] : [{ author, content: one.content }]
  })
  return { content, before, faqs: await answersTo(kernel, content, FAQS) }
}

function messageId(payload: unknown): number {
  const id: unknown = typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'message_id') : undefined
  if (typeof id !== 'number') throw new Error('the job names no message')
  return id
}

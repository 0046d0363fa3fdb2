import { DomainError, Invalid, TooMany } from '../../kernel/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { eventId } from '../../kernel/realtime/eventId.ts'
import { CLOSE, type Conversation, type Peer } from '../../kernel/realtime/sockets.ts'
import { MESSAGE_LENGTH } from '../rules.ts'
import type { ChatHub } from './hub.ts'
import { CLIENT_ID_LENGTH, readText } from './rules.ts'
import { presentMessage } from './schemas.ts'
import * as service from './service.ts'
import * as store from './store.ts'

type Frame = Readonly<Record<string, unknown>>

/** Number of sessions that one connection may follow. */
const MOST_FOLLOWED = 50
/** Number of messages that are replayed to a connection at most. */
const MOST_REPLAYED = 500
const TYPING_PAUSE_MS = 2000

/** Limits how much a person may write, over all their connections to this process. */
export type WritingGate = (userId: number) => boolean

/** Allows each person at most `most` messages a minute. */
export function writingGate(most: number): WritingGate {
  let windowStart = performance.now()
  const counts = new Map<number, number>()
  return (userId) => {
    const now = performance.now()
    if (now - windowStart > 60_000) {
      windowStart = now
      counts.clear()
    }
    const count = (counts.get(userId) ?? 0) + 1
    counts.set(userId, count)
    return count <= most
  }
}

/**
 * Serves a connection to `/ws/support/chat` (frames: docs/support.md). Handles the frames of a connection one after
 * another, so that messages keep their order. A frame that can't be carried out is answered with `{"type":"error"}`; a
 * malformed one closes the connection.
 */
export function converse(kernel: Kernel, hub: ChatHub, mayWrite: WritingGate, peer: Peer, hello: Frame): Conversation {
  const followed = new Map<number, () => void>()
  let closed = false
  let lastTyping = Number.NEGATIVE_INFINITY

  const follow = async (sessionId: number, frame: Frame) => {
    const lastId = eventId(frame.last_event_id)
    if (lastId === 'wrong') throw new Invalid('validation', 'last_event_id must be the id of a message, or 0.')
    const session = await service.getSession(kernel, peer.actor, sessionId)
    if (!followed.has(sessionId) && followed.size >= MOST_FOLLOWED) {
      throw new TooMany('too_many_sessions', `A connection follows at most ${MOST_FOLLOWED} sessions.`)
    }
    const { after, cut } = await store.replayStart(kernel.db, sessionId, lastId, MOST_REPLAYED)
    if (closed) return
    followed.get(sessionId)?.()
    const about = { session_id: sessionId, status: session.status, last_event_id: after, ...(cut && { cut: true }) }
    peer.send({ type: 'following', ...about })
    const follower = {
      key: sessionId,
      userId: peer.userId,
      deliver: (message: store.ChatMessage) =>
        peer.send({ type: 'message', id: message.id, message: presentMessage(message, kernel.config.timeZone) }),
      typing: (userId: number) => peer.send({ type: 'typing', session_id: sessionId, user_id: userId }),
      flushed: peer.flushed,
    }
    followed.set(sessionId, hub.follow(follower, after))
  }

  /** The session of a frame: the one it names, or the only one that is followed. */
  const sessionOf = (frame: Frame): number => {
    if (frame.session_id !== undefined) return sessionIdOf(frame.session_id)
    const [only, ...others] = followed.keys()
    if (only !== undefined && others.length === 0) return only
    throw new Invalid('validation', 'session_id is required.')
  }

  const write = async (frame: Frame) => {
    const content = readText(frame.content, MESSAGE_LENGTH)
    if (content === undefined) {
      throw new Invalid('validation', `content must be a text of 1 to ${MESSAGE_LENGTH} characters.`)
    }
    const clientId = frame.client_id === undefined ? undefined : readText(frame.client_id, CLIENT_ID_LENGTH)
    if (frame.client_id !== undefined && clientId === undefined) {
      throw new Invalid('validation', `client_id must be a text of 1 to ${CLIENT_ID_LENGTH} characters.`)
    }
    if (!mayWrite(peer.userId)) throw new TooMany('rate_limited', 'Too many messages. Please wait a minute.')
    const sessionId = sessionOf(frame)
    const id = await service.say(kernel, peer.actor, sessionId, content, clientId)
    peer.send({ type: 'ack', session_id: sessionId, id, ...(clientId !== undefined && { client_id: clientId }) })
  }

  const tellTyping = async (frame: Frame) => {
    const sessionId = sessionOf(frame)
    const now = performance.now()
    if (!followed.has(sessionId) || now - lastTyping < TYPING_PAUSE_MS) return
    lastTyping = now
    await store.announceTyping(kernel.db, sessionId, peer.userId)
  }

  const handlers: Readonly<Record<string, (frame: Frame) => unknown>> = {
    ping: () => peer.send({ type: 'pong' }),
    follow: (frame) => follow(sessionIdOf(frame.session_id), frame),
    unfollow(frame) {
      const sessionId = sessionIdOf(frame.session_id)
      followed.get(sessionId)?.()
      followed.delete(sessionId)
    },
    message: write,
    handover: (frame) => service.requestAgent(kernel, peer.actor, sessionOf(frame)),
    typing: tellTyping,
  }

  const attend = async (frame: Frame, task: (frame: Frame) => unknown) => {
    if (closed) return
    try {
      await task(frame)
    } catch (error) {
      if (!(error instanceof DomainError)) {
        kernel.log.error({ err: error }, 'a chat frame could not be served')
        return peer.close(CLOSE.failed, 'try again')
      }
      const clientId = typeof frame.client_id === 'string' ? { client_id: frame.client_id.slice(0, 100) } : {}
      peer.send({ type: 'error', code: error.code, detail: error.message, ...clientId })
    }
  }

  const start = async () => {
    const own = hello.session_id === undefined ? await store.openSessionOf(kernel.db, peer.userId) : undefined
    const sessionId = own?.id ?? (hello.session_id === undefined ? undefined : sessionIdOf(hello.session_id))
    peer.send({ type: 'ready', session_id: sessionId ?? null })
    if (sessionId !== undefined) await follow(sessionId, hello)
  }
  // Not awaited here: later frames of the client wait for it.
  let work = attend(hello, start)

  return {
    onFrame(frame) {
      const task =
        typeof frame.type === 'string' && Object.hasOwn(handlers, frame.type) ? handlers[frame.type] : undefined
      if (!task) return peer.close(CLOSE.badFrame, 'unknown type')
      work = work.then(() => attend(frame, task))
    },
    onClose() {
      closed = true
      for (const stop of followed.values()) stop()
      followed.clear()
    },
  }
}

function sessionIdOf(value: unknown): number {
  const id = eventId(value)
  if (id === undefined || id === 'wrong' || id < 1)
    throw new Invalid('validation', 'session_id must be the id of a session.')
  return id
}

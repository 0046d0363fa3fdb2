import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../kernel/database/lists.ts'
import type { Author, ChatEvent, ChatStatus } from './rules.ts'

/** One conversation with support. */
export interface ChatSession {
  readonly id: number
  readonly userId: number
  readonly userName: string
  readonly status: ChatStatus
  readonly agentId: number | null
  readonly agentName: string | null
  /** From 1, while it is queued. */
  readonly queuePosition: number | null
  readonly queuedAt: Date | null
  readonly acceptedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly closedAt: Date | null
}

export interface ChatMessage {
  readonly id: number
  readonly sessionId: number
  readonly author: Author
  readonly authorId: number | null
  readonly authorName: string | null
  readonly content: string
  readonly event: ChatEvent | null
  readonly clientId: string | null
  readonly replyTo: number | null
  readonly faqIds: readonly number[]
  readonly createdAt: Date
}

/** NOTIFY channel: a session has new messages. */
export const CHAT_CHANNEL = 'support_chat'
/** NOTIFY channel: a person is typing. Payload: `session:user`. */
export const TYPING_CHANNEL = 'support_chat_typing'

const sessions = sql`
  SELECT
    s.id,
    s.user_id AS "userId",
    u.display_name AS "userName",
    s.status,
    s.agent_id AS "agentId",
    a.display_name AS "agentName",
    CASE WHEN s.status = 'queued' THEN (
      SELECT count(*)
      FROM chat_sessions q
      WHERE q.status = 'queued' AND (q.queued_at, q.id) <= (s.queued_at, s.id)
    ) END AS "queuePosition",
    s.queued_at AS "queuedAt",
    s.accepted_at AS "acceptedAt",
    s.created_at AS "createdAt",
    s.updated_at AS "updatedAt",
    s.closed_at AS "closedAt"
  FROM chat_sessions s
  JOIN users u ON u.id = s.user_id
  LEFT JOIN users a ON a.id = s.agent_id`

const messages = sql`
  SELECT
    m.id,
    m.session_id AS "sessionId",
    m.author,
    m.author_id AS "authorId",
    u.display_name AS "authorName",
    m.content,
    m.event,
    m.client_id AS "clientId",
    m.reply_to AS "replyTo",
    m.faq_ids AS "faqIds",
    m.created_at AS "createdAt"
  FROM chat_messages m
  LEFT JOIN users u ON u.id = m.author_id`

/** One session, or null. */
export async function findSession(db: Database, id: number): Promise<ChatSession | null> {
  const { rows } = await sql<ChatSession>`${sessions} WHERE s.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** The open session of a person, or null. */
export async function openSessionOf(db: Database, userId: number): Promise<ChatSession | null> {
  const { rows } = await sql<ChatSession>`${sessions} WHERE s.user_id = ${userId} AND s.status <> 'closed'`.execute(db)
  return rows[0] ?? null
}

/** Opens a session and returns its id; null if the person has one already. */
export async function addSession(tx: Transaction, userId: number, now: Date): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO chat_sessions (user_id, created_at, updated_at) VALUES (${userId}, ${now}, ${now})
    ON CONFLICT (user_id) WHERE status <> 'closed' DO NOTHING RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** The columns of a session that decide about permissions and moves. */
export type SessionState = Pick<ChatSession, 'id' | 'userId' | 'status' | 'agentId' | 'queuedAt' | 'updatedAt'>

const state = sql`
  s.id,
  s.user_id AS "userId",
  s.status,
  s.agent_id AS "agentId",
  s.queued_at AS "queuedAt",
  s.updated_at AS "updatedAt"`

/** Locks a session: nobody else writes to it until the transaction ends. */
export async function lockSession(tx: Transaction, id: number): Promise<SessionState | null> {
  const { rows } = await sql<SessionState>`SELECT ${state} FROM chat_sessions s WHERE s.id = ${id} FOR UPDATE`.execute(
    tx,
  )
  return rows[0] ?? null
}

/** Gives a waiting session to an agent. False if it does not wait, or belongs to the agent. */
export async function takeFromQueue(tx: Transaction, id: number, agentId: number, now: Date): Promise<boolean> {
  const answer = await sql`
    UPDATE chat_sessions
    SET status = 'agent', agent_id = ${agentId}, accepted_at = ${now}, updated_at = ${now}
    WHERE id = ${id} AND status = 'queued' AND user_id <> ${agentId}`.execute(tx)
  return Number(answer.numAffectedRows ?? 0) > 0
}

/** Puts a locked session into the queue; a session that has waited before keeps its place. */
export async function setQueued(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`
    UPDATE chat_sessions
    SET status = 'queued', agent_id = NULL, queued_at = coalesce(queued_at, ${now}), updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Gives a locked session to another agent. */
export async function setAgent(tx: Transaction, id: number, agentId: number, now: Date): Promise<void> {
  await sql`
    UPDATE chat_sessions
    SET agent_id = ${agentId}, accepted_at = ${now}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Closes a locked session. */
export async function setClosed(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`
    UPDATE chat_sessions
    SET status = 'closed', closed_at = ${now}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Open sessions that a person owns or serves. */
export async function unfinishedOf(
  tx: Transaction,
  userId: number,
): Promise<{ readonly own: readonly number[]; readonly served: readonly number[] }> {
  const { rows } = await sql<{ id: number; own: boolean }>`
    SELECT id, user_id = ${userId} AS own
    FROM chat_sessions
    WHERE status <> 'closed' AND user_id = ${userId} OR status = 'agent' AND agent_id = ${userId}
    ORDER BY id
    FOR UPDATE`.execute(tx)
  const ids = (own: boolean) => rows.filter((row) => row.own === own).map(({ id }) => id)
  return { own: ids(true), served: ids(false) }
}

/** Open sessions without a message since an instant. */
export async function idleSince(db: Database, since: Date, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id
    FROM chat_sessions
    WHERE status <> 'closed' AND updated_at < ${since}
    ORDER BY updated_at
    LIMIT ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** A message before it has an id. */
export interface NewMessage {
  readonly sessionId: number
  readonly author: Author
  readonly authorId?: number
  readonly content: string
  readonly event?: ChatEvent
  readonly clientId?: string | undefined
  readonly replyTo?: number
  readonly faqIds?: readonly number[]
  readonly now: Date
}

/**
 * Adds a message to a locked session and notifies every process on commit. Returns the id; null without any change if a
 * message with this `clientId`, or an answer to `replyTo`, exists already.
 */
export async function addMessage(tx: Transaction, message: NewMessage): Promise<number | null> {
  const { sessionId, author, authorId = null, content, event = null, clientId = null, replyTo = null, now } = message
  const { rows } = await sql<{ id: number }>`
    INSERT INTO chat_messages (session_id, author, author_id, content, event, client_id, reply_to, faq_ids, created_at)
    VALUES (${sessionId}, ${author}, ${authorId}, ${content}, ${event}, ${clientId}, ${replyTo},
      ${message.faqIds ?? []}::bigint[], ${now})
    ON CONFLICT DO NOTHING
    RETURNING id`.execute(tx)
  const id = rows[0]?.id ?? null
  if (id === null) return null
  await sql`UPDATE chat_sessions SET updated_at = ${now} WHERE id = ${sessionId}`.execute(tx)
  await sql`SELECT pg_notify(${CHAT_CHANNEL}, ${String(sessionId)})`.execute(tx)
  return id
}

/** Notifies every process that a person is typing. */
export async function announceTyping(db: Database, sessionId: number, userId: number): Promise<void> {
  await sql`SELECT pg_notify(${TYPING_CHANNEL}, ${`${sessionId}:${userId}`})`.execute(db)
}

/** One message, or null. */
export async function findMessage(db: Database, id: number): Promise<ChatMessage | null> {
  const { rows } = await sql<ChatMessage>`${messages} WHERE m.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** The message that a person sent with this `clientId`, or null. */
export async function findSent(
  db: Database,
  sessionId: number,
  authorId: number,
  clientId: string,
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    SELECT id
    FROM chat_messages
    WHERE session_id = ${sessionId} AND author_id = ${authorId} AND client_id = ${clientId}`.execute(db)
  return rows[0]?.id ?? null
}

/** Messages written before an instant that the bot has not answered. */
export async function unanswered(db: Database, before: Date, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT m.id
    FROM chat_sessions s
    JOIN chat_messages m ON m.session_id = s.id
    WHERE s.status = 'bot' AND m.author = 'user' AND m.created_at < ${before}
      AND NOT EXISTS (SELECT FROM chat_messages a WHERE a.reply_to = m.id)
    ORDER BY m.id
    LIMIT ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** The messages of a session after an id, oldest first. */
export async function messagesAfter(
  db: Database,
  sessionId: number,
  after: number,
  limit: number,
): Promise<readonly ChatMessage[]> {
  const { rows } = await sql<ChatMessage>`
    ${messages}
    WHERE m.session_id = ${sessionId} AND m.id > ${after}
    ORDER BY m.id
    LIMIT ${limit}`.execute(db)
  return rows
}

/** The last messages of a session up to an id, oldest first. */
export async function messagesUpTo(
  db: Database,
  sessionId: number,
  upTo: number,
  limit: number,
): Promise<readonly ChatMessage[]> {
  const { rows } = await sql<ChatMessage>`
    ${messages}
    WHERE m.session_id = ${sessionId} AND m.id <= ${upTo}
    ORDER BY m.id DESC
    LIMIT ${limit}`.execute(db)
  return rows.toReversed()
}

/**
 * The id after which to replay a session to a follower that has seen it up to `lastId`, so that it gets at most `most`
 * messages. Without `lastId` nothing is replayed.
 */
export async function replayStart(
  db: Database,
  sessionId: number,
  lastId: number | undefined,
  most: number,
): Promise<{ readonly after: number; readonly cut: boolean }> {
  const { rows } = await sql<{ newest: number; start: number | null }>`
    SELECT
      (SELECT coalesce(max(id), 0) FROM chat_messages WHERE session_id = ${sessionId}) AS newest,
      (
        SELECT id
        FROM chat_messages
        WHERE session_id = ${sessionId} AND id > ${lastId ?? 0}
        ORDER BY id DESC
        OFFSET ${most}
        LIMIT 1
      ) AS start`.execute(db)
  const { newest, start } = rows[0] ?? { newest: 0, start: null }
  if (lastId === undefined) return { after: newest, cut: false }
  return { after: start ?? Math.min(lastId, newest), cut: start !== null }
}

/** One page of a session's messages, and the total. */
export async function listMessages(
  db: Database,
  sessionId: number,
  page: PageOf<'id'>,
): Promise<{ items: readonly ChatMessage[]; total: number }> {
  return await readPage<ChatMessage>(db, {
    select: messages,
    counted: sql`chat_messages m`,
    conditions: [sql`m.session_id = ${sessionId}`],
    page: pageClause(page, { id: sql`m.id` }, sql`m.id`),
  })
}

export interface SessionFilter {
  readonly userId?: number | undefined
  readonly agentId?: number | undefined
  readonly status?: ChatStatus | undefined
}

const SORTS = { id: sql`s.id`, updated_at: sql`s.updated_at`, queued_at: sql`s.queued_at` } as const
export type SessionSort = keyof typeof SORTS

/** One page of sessions, and the total. */
export async function listSessions(
  db: Database,
  { userId, agentId, status }: SessionFilter,
  page: PageOf<SessionSort>,
): Promise<{ items: readonly ChatSession[]; total: number }> {
  const conditions = [
    userId !== undefined && sql`s.user_id = ${userId}`,
    agentId !== undefined && sql`s.agent_id = ${agentId}`,
    status !== undefined && sql`s.status = ${status}`,
  ]
  return await readPage<ChatSession>(db, {
    select: sessions,
    counted: sql`chat_sessions s`,
    conditions,
    page: pageClause(page, SORTS, sql`s.id`),
  })
}

/** A person's display name. */
export async function nameOf(db: Database, userId: number): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT display_name AS name FROM users WHERE id = ${userId}`.execute(db)
  return rows[0]?.name ?? ''
}

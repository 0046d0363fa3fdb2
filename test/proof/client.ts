import { randomUUID } from 'node:crypto'

/** The answer of a process. */
export interface Answer {
  readonly status: number
  // Answers have no static type: tests state what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any
}

export interface Call {
  readonly token: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a request to a process over HTTP, on a kept connection. Rejects when the process does not answer. */
export async function call(
  url: string | undefined,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  { token, body, headers }: Call,
): Promise<Answer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** Books a place in a slot. */
export function book(
  url: string | undefined,
  person: { readonly token: string },
  slotId: number,
  headers?: Readonly<Record<string, string>>,
): Promise<Answer> {
  return call(url, 'POST', '/api/v1/reservations', {
    token: person.token,
    body: { time_slot_id: slotId },
    ...(headers && { headers }),
  })
}

/** Headers with a new Idempotency-Key if `wanted`. */
export function keyed(wanted: boolean): Readonly<Record<string, string>> {
  return wanted ? { 'idempotency-key': randomUUID() } : {}
}

/** Counts the answers by outcome: '201', or the status and code of a refusal. */
export function tally(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status, body } of answers) {
    const outcome = status < 400 ? String(status) : `${status} ${body?.code ?? JSON.stringify(body)}`
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

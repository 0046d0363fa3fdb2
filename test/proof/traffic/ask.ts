import type { Answer } from '../client.ts'
import type { Request } from '../history/history.ts'

/** The processes that serve requests at the moment. */
export interface Targets {
  add(url: string): void
  remove(url: string): void
  /** Returns one of them; waits while there is none. */
  pick(): Promise<string>
}

/** Makes a list of processes, empty at first. */
export function createTargets(): Targets {
  const urls = new Set<string>()
  let waiting: ((url: string) => void)[] = []
  return {
    add(url) {
      urls.add(url)
      for (const resolve of waiting) resolve(url)
      waiting = []
    },
    remove: (url) => void urls.delete(url),
    async pick() {
      const all = [...urls]
      return (
        all[Math.floor(Math.random() * all.length)] ?? (await new Promise<string>((resolve) => waiting.push(resolve)))
      )
    },
  }
}

/** The meaning of an answer: `unclear` if the change may have happened or not, or if the request should be repeated. */
type Meaning = 'done' | 'refused' | 'unclear' | 'wrong'

/** Sends requests, and records them with their outcomes. */
export interface Journal {
  readonly requests: readonly Request[]
  /** Answers that should never occur. */
  readonly wrong: readonly { readonly what: string; readonly answer: Answer }[]
  /** Times of the answers with 503. */
  readonly unavailable: readonly number[]
  /** Number of requests without an answer. */
  cut(): number
  /** Resolves when `count` more requests have been answered. */
  answers(count: number): Promise<void>
  /**
   * Sends a request and records its outcome. With `again`, it repeats the request until the outcome is clear. `done` is
   * true for an answer that shows that an earlier attempt succeeded.
   */
  ask(
    asked: Pick<Request, 'action' | 'by' | 'target' | 'place'>,
    send: (url: string) => Promise<Answer>,
    options?: {
      readonly again?: boolean
      readonly done?: (answer: Answer) => boolean
      readonly made?: (answer: Answer) => number | undefined
    },
  ): Promise<{ readonly request: Request; readonly answer: Answer | undefined }>
  /** Repeats a read until it succeeds; returns the answer. */
  look(send: (url: string) => Promise<Answer>): Promise<Answer>
}

const PAUSE_MS = 50

/** The sentence of the clinic while the first of two requests with the same key is still running. */
const STILL_RUNNING = '相同的请求正在处理中'

/** The meaning of an answer: venue uses the HTTP status, room and clinic the `code` in the body. */
function meaningOf({ status, body }: Answer): Meaning {
  if (status === 503) return 'unclear'
  // The first of two requests with the same key is still running.
  if (status === 409 && body?.code === 'idempotency_key_busy') return 'unclear'
  if (body?.message?.msg === STILL_RUNNING) return 'unclear'
  if (status === 409) return 'refused'
  if (status >= 300) return 'wrong'
  if (typeof body?.code !== 'number' || body.code === 200 || body.code === 0) return 'done'
  if (typeof body.message === 'object') return 'refused'
  if (body.code === 409) return 'refused'
  return body.code === 500 && !body.msg.startsWith('系统异常') ? 'refused' : 'wrong'
}

/** Makes an empty journal. */
export function createJournal(targets: Targets): Journal {
  const requests: Request[] = []
  const wrong: { what: string; answer: Answer }[] = []
  const unavailable: number[] = []
  let watchers: { readonly at: number; readonly resolve: () => void }[] = []
  let cut = 0
  let answered = 0

  const send = async (request: (url: string) => Promise<Answer>): Promise<Answer | undefined> => {
    const url = await targets.pick()
    try {
      const answer = await request(url)
      answered += 1
      if (answer.status === 503) unavailable.push(Date.now())
      for (const { at, resolve } of watchers) if (at <= answered) resolve()
      watchers = watchers.filter(({ at }) => at > answered)
      return answer
    } catch {
      cut += 1
      return undefined
    }
  }
  const rest = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS * Math.random()))

  return {
    requests,
    wrong,
    unavailable,
    cut: () => cut,
    answers: (count) => new Promise((resolve) => watchers.push({ at: answered + count, resolve })),
    async ask(asked, request, { again = false, done = () => false, made = () => undefined } = {}) {
      const sentAt = Date.now()
      for (let times = 1; ; times += 1) {
        const answer = await send(request)
        const meaning = !answer ? 'unclear' : times > 1 && done(answer) ? 'done' : meaningOf(answer)
        if (meaning === 'unclear' && again) {
          await rest()
          continue
        }
        const entry: Request = {
          ...asked,
          sentAt,
          answeredAt: answer && Date.now(),
          outcome: meaning === 'done' || meaning === 'refused' ? meaning : 'unknown',
          ...(answer && meaning === 'done' && { made: made(answer) }),
        }
        requests.push(entry)
        if (answer && meaning === 'wrong') wrong.push({ what: `${asked.action} of ${asked.target}`, answer })
        if (meaning === 'unclear') await rest()
        return { request: entry, answer }
      }
    },
    async look(request) {
      for (;;) {
        const answer = await send(request)
        const meaning = answer && meaningOf(answer)
        if (answer && meaning === 'done') return answer
        if (answer && meaning !== 'unclear') wrong.push({ what: 'a look', answer })
        await rest()
      }
    },
  }
}

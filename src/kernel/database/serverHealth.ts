import pg from 'pg'
import type { Logger } from 'pino'
import { databaseAway, errorCode, isConnectionFailure } from './constraints.ts'

/** Whether a server can be reached, as far as this process knows. */
export interface ServerHealth {
  /** The error for callers while the server can't be reached; undefined while it can. */
  refusal(): Error | undefined
  /** Reports a possible loss: checks the server over a new connection, and decides by the result. */
  suspect(): void
  /** Reports that the server has just answered, so that it counts as reachable at once. */
  answered(): void
  close(): void
}

export interface ServerHealthOptions {
  readonly client: pg.ClientConfig
  /** Name of the server in log lines. */
  readonly name: string
  /** For the log: what happens while the server is away. */
  readonly meanwhile: string
  readonly log: Pick<Logger, 'error' | 'info'>
  /** Called when the server is found to be away: pending queries will get no answer. */
  readonly onAway: () => void
  /** Milliseconds after which a server that does not answer counts as away. */
  readonly patienceMs?: number
  /** Interval of checks while the server is away, in milliseconds. */
  readonly everyMs?: number
  /**
   * Interval of checks while all is well, for a server without a listener, whose loss would go unnoticed. Absent: no
   * checks.
   */
  readonly watchMs?: number | undefined
}

/**
 * Tracks whether a server can be reached. While all is well it makes no checks, except with `watchMs`. A suspicion
 * causes one check, and while the server is away there is one a second. It logs one line when the server is lost and
 * one when it is back, however many requests fail.
 */
export function createServerHealth(options: ServerHealthOptions): ServerHealth {
  const { client, name, meanwhile, log, onAway, patienceMs = 2000, everyMs = 1000, watchMs } = options
  let away: { readonly reason: unknown; readonly since: number } | undefined
  let checking = false
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const check = async (suspected: boolean) => {
    checking = true
    const reason = await whyAway(client, patienceMs)
    checking = false
    if (closed) return
    if (reason === undefined) {
      if (!away && suspected) log.info(`a connection to ${name} was lost; others can be made`)
      return isBack()
    }
    if (!away) {
      away = { reason, since: Date.now() }
      log.error({ err: reason }, `${name} cannot be reached: ${meanwhile}`)
      onAway()
    }
    timer = setTimeout(check, everyMs, false)
  }

  const isBack = () => {
    clearTimeout(timer)
    if (away) log.info({ seconds: Math.round((Date.now() - away.since) / 1000) }, `${name} can be reached again`)
    away = undefined
  }

  const checkUnlessAway = (suspected: boolean) => {
    if (!closed && !checking && !away) void check(suspected)
  }
  const watch = watchMs === undefined ? undefined : setInterval(checkUnlessAway, watchMs, false)

  return {
    refusal: () => away && databaseAway(away.reason),
    suspect: () => checkUnlessAway(true),
    answered: isBack,
    close() {
      closed = true
      clearTimeout(timer)
      clearInterval(watch)
    },
  }
}

/** Checks the server. Returns the reason why it does not answer; undefined when it does, even with a refusal. */
async function whyAway(config: pg.ClientConfig, patienceMs: number): Promise<unknown> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: patienceMs, query_timeout: patienceMs })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    client.end().catch(() => {})
    return undefined
  } catch (error) {
    client.connection.stream.destroy()
    // too_many_connections: the server can be reached, but is busy.
    return isConnectionFailure(error) && errorCode(error) !== '53300' ? error : undefined
  }
}

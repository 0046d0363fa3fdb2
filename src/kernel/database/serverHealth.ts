import pg from 'pg'
import type { Logger } from 'pino'
import { databaseAway, errorCode, isConnectionFailure } from './constraints.ts'

/** Whether a server can be reached, as far as this process knows. */
export interface Reach {
  /** What to answer while it can't be reached: at once, as waiting would help nobody. Undefined while all is well. */
  refusal(): Error | undefined
  /** Something looks like a loss: asks the server on a connection of its own, and goes by what that says. */
  suspect(): void
  /** Somebody has just spoken to it: there is nothing to wait for. */
  answered(): void
  close(): void
}

export interface ReachOptions {
  readonly client: pg.ClientConfig
  /** What it is called in the log. */
  readonly name: string
  /** What happens while it is away, for the log. */
  readonly meanwhile: string
  readonly log: Pick<Logger, 'error' | 'info'>
  /** Called when it turns out to be away: what still waits for an answer gets none. */
  readonly onAway: () => void
  /** How long the server may take to answer before it counts as away. */
  readonly patienceMs?: number
  /** While it is away, how long until the next look. */
  readonly everyMs?: number
  /** How often to look while all goes well: for a server that nobody listens at, and that could be silent for long before somebody noticed. */
  readonly watchMs?: number | undefined
}

/**
 * Keeps an eye on a server. Unless it is watched nothing is asked while all goes well; one look decides after something went wrong, and while the server is away
 * one a second. The log has a line when it goes and a line when it is back, however many requests run into it.
 */
export function createReach(options: ReachOptions): Reach {
  const { client, name, meanwhile, log, onAway, patienceMs = 2000, everyMs = 1000, watchMs } = options
  let away: { readonly reason: unknown; readonly since: number } | undefined
  let looking = false
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const look = async (suspected: boolean) => {
    looking = true
    const reason = await whyAway(client, patienceMs)
    looking = false
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
    timer = setTimeout(look, everyMs, false)
  }

  const isBack = () => {
    clearTimeout(timer)
    if (away) log.info({ seconds: Math.round((Date.now() - away.since) / 1000) }, `${name} can be reached again`)
    away = undefined
  }

  const lookUnless = (suspected: boolean) => {
    if (!closed && !looking && !away) void look(suspected)
  }
  const watch = watchMs === undefined ? undefined : setInterval(lookUnless, watchMs, false)

  return {
    refusal: () => away && databaseAway(away.reason),
    suspect: () => lookUnless(true),
    answered: isBack,
    close() {
      closed = true
      clearTimeout(timer)
      clearInterval(watch)
    },
  }
}

/** Undefined when the server answers, be it with a refusal; else why it doesn't. */
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
    // too_many_connections: it is there, and has too much to do.
    return isConnectionFailure(error) && errorCode(error) !== '53300' ? error : undefined
  }
}

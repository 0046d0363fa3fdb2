import { mkdirSync } from 'node:fs'
import {
  type DestinationStream,
  destination,
  type Logger,
  multistream,
  pino,
  stdSerializers,
  stdTimeFunctions,
  transport,
} from 'pino'
import { ConfigurationError } from '../config/read.ts'
import { type LogFiles, removeOldFiles } from './logFiles.ts'
import type { LoadedConfig } from './settings.ts'
import { localTimestamp } from './time.ts'

/** Names whose values never reach a log, in any spelling (`newPassword`, `new_password`, `Set-Cookie`). */
const SECRET_NAME =
  /password|passphrase|secret|token|authorization|cookie|fieldkeys|apikey|phone|mobile|email|nationalid|idcard|verificationcode|^(otp|smtpurl|databaseurl|databasereadurl|redisurl)$/

const CENSORED = '[hidden]'
const DEEPEST = 6
const verdicts = new Map<string, boolean>()

type LogConfig = Pick<LoadedConfig, 'nodeEnv' | 'logLevel' | 'logDir' | 'logRetentionDays' | 'timeZone'>

/**
 * The log of a process: JSON lines in production, otherwise readable lines, to standard output and, with LOG_DIR, to
 * one JSON file a day. Passwords, tokens, cookies, phone numbers and e-mail addresses are hidden in logged objects, but
 * not inside messages: never put such a value there. `output` is for tests.
 * @throws ConfigurationError if LOG_DIR cannot be used.
 */
export function createLog(config: LogConfig, output?: DestinationStream): Logger {
  const json = output ?? (config.nodeEnv === 'production' ? destination({ fd: 1, sync: false }) : undefined)
  const streams = [{ level: 'trace' as const, stream: json ?? readable(process.stdout, config.timeZone) }]
  if (config.logDir)
    streams.push({ level: 'trace', stream: dailyFiles({ folder: config.logDir, days: config.logRetentionDays }) })
  const options = {
    level: config.logLevel,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: hideEntry,
    },
    serializers: { err: describeError, error: describeError, req: describeRequest },
  }
  const log = pino(options, multistream(streams))
  // pino's formatters do not see the bindings of child loggers. Children of children inherit this method.
  const child = log.child
  log.child = function (bindings, childOptions) {
    return Reflect.apply(child, this, [hideEntry(bindings), childOptions])
  }
  return log
}

function isSecret(name: string): boolean {
  let verdict = verdicts.get(name)
  if (verdict === undefined) {
    verdict = SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_]/g, ''))
    if (verdicts.size < 5000) verdicts.set(name, verdict)
  }
  return verdict
}

/**
 * Copies an entry without its secrets. Class instances at the first level stay as they are, because pino's serializers
 * handle them.
 */
function hideEntry(entry: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(entry)) {
    copy[name] = isSecret(name) && value != null ? CENSORED : hide(value, 1)
  }
  return copy
}

function hide(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return depth > DEEPEST ? '[deep]' : value.map((item) => hide(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  if (depth > DEEPEST) return '[deep]'
  const copy: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    copy[name] = isSecret(name) && inner != null ? CENSORED : hide(inner, depth + 1)
  }
  return copy
}

/** Removes `detail`, `where` and the query's parameters, in which PostgreSQL repeats the row's values. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return hide(error, 1)
  const { detail: _detail, where: _where, parameters: _parameters, ...rest } = { ...stdSerializers.err(error) }
  return hideEntry(rest)
}

/** Method, path and caller: no headers, no query values, no tokens in the path. */
function describeRequest(request: { method?: string; url?: string; ip?: string }): Record<string, unknown> {
  const path = (request.url ?? '').replace(/\?.*$/s, '').replaceAll(/[^/]{41,}/g, CENSORED)
  return { method: request.method, path, address: request.ip }
}

/** Formats one line for people: time, level, message, then the other facts; a stack follows on the next lines. */
function readable(output: { write(text: string): unknown }, zone: string): DestinationStream {
  return {
    write(text) {
      const { level, time, msg, pid: _pid, err, ...rest }: Record<string, unknown> = JSON.parse(text)
      const clock = localTimestamp(new Date(String(time)), zone).slice(11, 19)
      const facts = Object.entries(rest).map(
        ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : ''
      output.write(`${clock} ${String(level).toUpperCase().padEnd(5)} ${String(msg ?? '')}${facts.join('')}${stack}\n`)
    },
  }
}

/** Writes one file a day, in a thread of its own. */
function dailyFiles(files: LogFiles): DestinationStream {
  try {
    mkdirSync(files.folder, { recursive: true })
    // Old files are also removed at the start, because a process that restarts every day never reaches the end of a
    // day.
    removeOldFiles(files.folder, files.days)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError([`LOG_DIR: given ${JSON.stringify(files.folder)}; cannot be used: ${reason}`])
  }
  return transport({ target: import.meta.resolve('./logFiles.ts'), options: files })
}

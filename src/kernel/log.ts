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
 * The log of a process: JSON lines in production, readable lines otherwise, to standard output and, with LOG_DIR, to one JSON file a day.
 * Passwords, tokens, cookies, phone numbers and e-mail addresses are hidden wherever they stand in what is logged (not inside messages:
 * never put a value there). `output` is for tests.
 * @throws ConfigurationError when LOG_DIR can't be used.
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
  // What a child is bound to passes by the formatters; children of children inherit this.
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

/** Copies the entry without its secrets. Instances of classes stay as they are at the first level: pino's serializers know them. */
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

/** PostgreSQL repeats the row's values in `detail`, `where` and the query's parameters: they stay out. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return hide(error, 1)
  const { detail: _detail, where: _where, parameters: _parameters, ...rest } = { ...stdSerializers.err(error) }
  return hideEntry(rest)
}

/** Method, path and caller: no headers, no query values, no tokens that stand in the path. */
function describeRequest(request: { method?: string; url?: string; ip?: string }): Record<string, unknown> {
  const path = (request.url ?? '').replace(/\?.*$/s, '').replaceAll(/[^/]{41,}/g, CENSORED)
  return { method: request.method, path, address: request.ip }
}

/** One line for people: time, level, message, then what else there is; a stack on the lines below. */
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

/** One file a day, written by a thread of its own. */
function dailyFiles(files: LogFiles): DestinationStream {
  try {
    mkdirSync(files.folder, { recursive: true })
    // Also at the start: a process that is started anew every day never reaches the end of a day.
    removeOldFiles(files.folder, files.days)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError([`LOG_DIR: given ${JSON.stringify(files.folder)}; can't be used: ${reason}`])
  }
  return transport({ target: import.meta.resolve('./logFiles.ts'), options: files })
}

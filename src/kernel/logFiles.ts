import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { createStream } from 'rotating-file-stream'

/** `yuyue.2026-03-01.1.log`. Earlier versions counted the files of a day; the number is always 1 now. */
const OURS = /^yuyue\.(\d{4}-\d{2}-\d{2})\.\d+\.log$/

export interface LogFiles {
  readonly folder: string
  /** Days that files are kept. */
  readonly days: number
}

/** Writes one file a day, by the machine's time. pino runs it in a thread of its own. */
export default function openLogFiles({ folder, days }: LogFiles): Writable {
  // `immutable`: files keep their names, and a restart continues the file of the day.
  const stream = createStream((time) => nameOn(time), { path: folder, interval: '1d', immutable: true })
  // Wait until the new file exists, because it counts as one of those that are kept.
  stream.on('rotated', () => stream.once('open', () => removeOrSay(folder, days)))
  return stream
}

/** Removes old files; only reports a failure, because it is no reason to stop a running process. */
function removeOrSay(folder: string, days: number): void {
  try {
    removeOldFiles(folder, days)
  } catch (error) {
    console.error(`LOG_DIR: old files cannot be removed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Removes our log files that are older than `days` days, and all but the newest `days` of them. Other files stay. */
export function removeOldFiles(folder: string, days: number): void {
  const oldest = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
  const ours = readdirSync(folder)
    .filter((name) => OURS.test(name))
    .sort()
  for (const [index, name] of ours.entries()) {
    const date = OURS.exec(name)?.[1] ?? ''
    if (date < oldest || index < ours.length - days) rmSync(join(folder, name), { force: true })
  }
}

/** The name of a day's file. The library also calls this without a time, and does not use that result. */
function nameOn(time: Date | number | null): string {
  const day = new Date(time ?? Date.now())
  const month = String(day.getMonth() + 1).padStart(2, '0')
  return `yuyue.${day.getFullYear()}-${month}-${String(day.getDate()).padStart(2, '0')}.1.log`
}

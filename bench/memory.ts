import { readFileSync } from 'node:fs'

/** What a process holds, in megabytes; undefined where there is no /proc (it is Linux that says). */
export interface Memory {
  /** All that is in memory: the program's file too, which processes of one machine share. */
  readonly resident: number
  /** The process's own. */
  readonly own: number
}

export function memoryOf(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
    return { resident: field('VmRSS'), own: field('RssAnon') }
  } catch {
    return undefined
  }
}

/** Seconds of the processors that a process has used. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, and may hold anything; the clock has 100 ticks a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

export function megabytes(memory: Memory | undefined): string {
  return memory ? `${memory.resident.toFixed(0)} (own ${memory.own.toFixed(0)})` : '?'
}

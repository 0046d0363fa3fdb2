import { readFileSync } from 'node:fs'

/** Memory of a process in megabytes. Undefined on systems without /proc (only Linux has it). */
export interface Memory {
  /** Resident memory, including what processes of one machine share. */
  readonly resident: number
  /** Memory of this process alone. */
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

/** CPU seconds of a process. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, which may contain anything. The clock has 100 ticks a
    // second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

/** CPU seconds of all processes of this machine. */
export function cpuSecondsOfAll(): number {
  try {
    // user, nice, system, idle, iowait, irq, softirq, in ticks
    const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/ +/).map(Number)
    return ticks.filter((_, n) => n < 7 && n !== 3 && n !== 4).reduce((sum, part) => sum + part, 0) / 100
  } catch {
    return Number.NaN
  }
}

export function megabytes(memory: Memory | undefined): string {
  return memory ? `${memory.resident.toFixed(0)} (own ${memory.own.toFixed(0)})` : '?'
}

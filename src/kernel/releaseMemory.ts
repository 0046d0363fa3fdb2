import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Milliseconds after the start at which its memory is released. */
const AFTER_MS = 500
/**
 * V8's flag for heap growth: by default the heap may double or treble before a collection. That is fine during the
 * start, but not afterwards.
 */
const GROWTH = '--heap-growing-percent'

/**
 * Soon after the start, saves Node's compile cache for the next start and releases memory that only the start needed.
 * V8 alone would keep that memory as long as it is not short of any (docs/operating.md, Memory). Takes a tenth of a
 * second, once.
 */
export function releaseStartMemory(): void {
  setTimeout(() => {
    flushCompileCache()
    if (!process.execArgv.some((option) => option.startsWith(GROWTH))) setFlagsFromString(`${GROWTH}=40`)
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  }, AFTER_MS).unref()
}

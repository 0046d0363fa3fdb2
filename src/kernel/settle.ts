import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The moment after which a process that has just started is put at rest. */
const AFTER_MS = 500

/**
 * Soon after the start: keeps what Node has compiled for the next start, and gives back the memory that only the start needed. V8 alone would
 * keep it for as long as nothing presses (docs/operating.md, Memory). It takes a tenth of a second, once.
 */
export function settle(): void {
  setTimeout(() => {
    flushCompileCache()
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  }, AFTER_MS).unref()
}

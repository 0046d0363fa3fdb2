/**
 * The program: `node src/main.ts COMMAND`. Before anything else it replaces itself by the same process with a young generation of 16 MB a
 * half, which V8 takes only from the command line. V8's own 64 MB cost every process 75 MB and make it no faster (docs/operating.md, Memory).
 * Whoever gives the option decides; where a process can't be replaced (Windows) it goes on as it is.
 */
const YOUNG_GENERATION = '--max-semi-space-size'

const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((option) => option.includes(YOUNG_GENERATION))
if (!given && process.platform !== 'win32') {
  const { execPath, execArgv, argv, env } = process
  process.execve?.(execPath, [execPath, `${YOUNG_GENERATION}=16`, ...execArgv, ...argv.slice(1)], env)
}
await import('./commandLine.ts')

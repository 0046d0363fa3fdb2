import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One bash that keeps its state between commands, like a reader's. The first command that fails ends it. */
export interface Shell {
  /** Runs commands; returns their output. @throws Error with the output and stderr when one fails or takes too long. */
  run(script: string): Promise<string>
  close(): Promise<void>
}

/** Longest time of a step in milliseconds. Steps that wait have shorter limits themselves. */
const PATIENCE_MS = 60_000

export async function openShell(cwd: string, env: NodeJS.ProcessEnv): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-tour-'))
  // In its own process group, so that the background processes of a tour can be ended with it.
  const bash = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: 'pipe', detached: true })
  const endGroup = () => {
    try {
      if (bash.pid !== undefined) process.kill(-bash.pid, 'SIGKILL')
    } catch {
      // All processes have ended.
    }
  }
  let output = ''
  let said = ''
  let closed = false
  let look = () => {}
  bash.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    look()
  })
  bash.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const end = new Promise<void>((resolve) =>
    bash.on('close', () => {
      closed = true
      look()
      resolve()
    }),
  )
  bash.stdin.on('error', () => {})
  bash.stdin.write('set -euo pipefail\n')
  let count = 0

  return {
    async run(script) {
      count += 1
      const file = join(folder, `${count}.sh`)
      const mark = randomUUID()
      await writeFile(file, `${script}\n`)
      output = ''
      said = ''
      // From a file, so that the commands do not read the rest of the tour from standard input.
      bash.stdin.write(`. '${file}' </dev/null\nprintf '%s' ${mark}\n`)
      return await new Promise<string>((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why}\n${script}\n${output}\n${said}`.trim()))
        const tooLong = setTimeout(() => fail('this takes too long:'), PATIENCE_MS)
        look = () => {
          const done = output.endsWith(mark)
          if (!done && !closed) return
          clearTimeout(tooLong)
          look = () => {}
          if (done) resolve(output.slice(0, -mark.length))
          else fail('this failed:')
        }
        look()
      })
    },
    async close() {
      bash.stdin.end()
      const forced = setTimeout(endGroup, 2000)
      await end
      clearTimeout(forced)
      endGroup()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

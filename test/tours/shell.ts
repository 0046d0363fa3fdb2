import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One bash that goes on from command to command, as a reader's does; the first command that fails ends it. */
export interface Shell {
  /** Runs commands; answers what they print. @throws Error with what was said on stderr when one fails or takes too long. */
  run(script: string): Promise<string>
  close(): Promise<void>
}

/** How long a step may take, in milliseconds. Steps that wait for something give up by themselves earlier. */
const PATIENCE_MS = 60_000

export async function openShell(cwd: string, env: NodeJS.ProcessEnv): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-tour-'))
  // The leader of a group of its own, so that what a tour has left in the background can be ended with it.
  const bash = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: 'pipe', detached: true })
  const endGroup = () => {
    try {
      if (bash.pid !== undefined) process.kill(-bash.pid, 'SIGKILL')
    } catch {
      // Nobody is left.
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
      // From a file, so that the commands' standard input is not the rest of the tour.
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

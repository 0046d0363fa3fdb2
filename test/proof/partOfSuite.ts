import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDeathSignal } from '../support/deathSignal.ts'
import type { Proof } from './proof.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** A proof that runs a part of the test suite on a server; its variables set larger figures. */
export function partOfSuite(
  proof: Pick<Proof, 'name' | 'what' | 'takes'> & {
    /** The beginnings of the paths of its test files. */
    readonly files: readonly string[]
    readonly env: Readonly<Record<string, string>>
  },
): Proof {
  const { name, what, takes, files, env } = proof
  return {
    name,
    what,
    takes,
    async run({ database, say, signal }) {
      const folder = await mkdtemp(join(tmpdir(), 'yuyue-proof-'))
      try {
        const report = join(folder, 'report.json')
        const started = performance.now()
        const seed = String(Date.now() % 1_000_000)
        say(`FC_SEED=${seed} PROOF_SEED=${seed}, where the environment gives no other`)
        const [command, ...args] = withDeathSignal('SIGTERM', [
          process.execPath,
          VITEST,
          'run',
          ...files,
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${report}`,
        ])
        const child = spawn(command, args, {
          cwd: ROOT,
          stdio: ['ignore', 'inherit', 'inherit'],
          env: { FC_SEED: seed, PROOF_SEED: seed, ...process.env, ...env, TEST_DATABASE_URL: await database() },
        })
        const end = () => child.kill('SIGINT')
        signal.addEventListener('abort', end)
        const [code] = await once(child, 'close')
        signal.removeEventListener('abort', end)
        const { numPassedTests, numFailedTests, testResults }: Report = JSON.parse(await readFile(report, 'utf8'))
        const failed = testResults
          .flatMap(({ assertionResults }) => assertionResults)
          .filter(({ status }) => status === 'failed')
        return {
          figures: {
            'tests passed': numPassedTests,
            'tests failed': numFailedTests,
            seconds: Math.round((performance.now() - started) / 1000),
          },
          broken: code === 0 ? [] : [`the tests ended with ${code}`, ...failed.map(({ fullName }) => fullName)],
        }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

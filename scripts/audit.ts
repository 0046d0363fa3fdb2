/**
 * Asks the registry for known vulnerabilities of the packages that run in production (npm audit), and fails if one is
 * not explained here. If the registry does not offer this service, it says so: then nothing was checked.
 *
 *   node scripts/audit.ts
 */
import { spawnSync } from 'node:child_process'

interface Report {
  readonly message?: string
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly via: readonly unknown[] }>>
}

/** Packages with a known vulnerability that does not affect this program, and why. */
const EXPLAINED: Readonly<Record<string, string>> = {}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
})
const { message, vulnerabilities }: Report = JSON.parse(stdout || '{"message":"npm audit said nothing"}')
if (vulnerabilities === undefined) {
  console.log(`Not checked: the registry in use does not answer (${String(message).replace(/\s*-.*/s, '')}).`)
} else {
  const found = Object.entries(vulnerabilities)
  for (const [name, { severity }] of found) console.log(`${name}: ${severity}: ${EXPLAINED[name] ?? 'not explained'}`)
  console.log(found.length === 0 ? 'No known vulnerability.' : `${found.length} known.`)
  if (found.some(([name]) => EXPLAINED[name] === undefined)) process.exitCode = 1
}

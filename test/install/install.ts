/**
 * Installs a copy of the project with npm 10, 11 and 12 on the system's own Node, with and without development
 * packages, and starts it: it must run on Node 24, answer, and end in order. Needs the registry (or npm's cache). Takes
 * about two minutes.
 *
 *   node test/install/install.ts [REPORT]    REPORT: a file for the numbers of passed and failed checks
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NPMS = [10, 11, 12]
const READY_MS = 120_000
const END_MS = 15_000
const INSTALL = ['--prefer-offline', '--no-audit', '--no-fund']
/** Makes every Node process print its version and its program. */
const SAYING_VERSIONS = `--import=data:text/javascript,console.error('runs:'+process.version+':'+process.argv[1])`

/** Variables that `npm run` sets. Other variables of npm stay, because they may name the registry. */
const OF_NPM_RUN =
  /^(?:INIT_CWD|NODE|NODE_OPTIONS|npm_(?:command|execpath|lifecycle_.*|node_execpath|package_.*)|npm_config_(?:\w*prefix|npm_version|node_gyp|user_agent|init_module))$/

const execute = promisify(execFile)
const work = await mkdtemp(join(tmpdir(), 'yuyue-install-'))
let passed = 0
let failed = 0

try {
  console.log(`The system has Node ${await systemsNode()}.`)
  for (const major of NPMS) await tryNpm(major)
} finally {
  await rm(work, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`${passed} passed, ${failed} failed`)
if (process.argv[2]) await writeFile(process.argv[2], `${passed} ${failed}\n`)
if (failed > 0) process.exitCode = 1

async function tryNpm(major: number): Promise<void> {
  const home = join(work, `npm${major}`)
  await mkdir(home)
  const env = environment()
  try {
    await execute('npm', ['install', ...INSTALL, '--ignore-scripts', '--prefix', home, `npm@${major}`], { env })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return console.log(`npm ${major}: not tried, as it can't be had from the registry: ${reason.slice(0, 300)}`)
  }
  const folder = join(home, 'project')
  const own = environment(join(home, 'node_modules/.bin'))
  await copyProject(folder)
  await check(`npm ${major}: npm ci --omit=dev, npm start`, async () => {
    await installQuietly(folder, own, '--omit=dev')
    await startAndStop(folder, own, 'npm', 'start')
  })
  await check(`npm ${major}: bin/yuyue.mjs on the system's Node`, () =>
    startAndStop(folder, own, 'node', 'bin/yuyue.mjs', 'start'),
  )
  await check(`npm ${major}: npm ci`, async () => {
    await installQuietly(folder, own)
    const { stdout } = await execute('node', ['bin/yuyue.mjs', 'help'], { cwd: folder, env: own })
    if (!stdout.startsWith('Usage: ')) throw new Error(`the program answers:\n${stdout}`)
  })
  await rm(home, { recursive: true, force: true, maxRetries: 5 })
}

async function check(what: string, tried: () => Promise<void>): Promise<void> {
  const started = performance.now()
  try {
    await tried()
    passed += 1
    console.log(`✓ ${what} (${Math.round((performance.now() - started) / 1000)} s)`)
  } catch (error) {
    failed += 1
    console.log(`✗ ${what}\n${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The environment without the project's own Node and without the variables of an `npm run` around this script. */
function environment(...first: readonly string[]): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !OF_NPM_RUN.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(kept), PATH: [...first, ...path].join(delimiter) }
}

async function systemsNode(): Promise<string> {
  return (await execute('node', ['--version'], { env: environment() })).stdout.trim()
}

/** Copies the files that git tracks, and new files that it does not ignore. */
async function copyProject(folder: string): Promise<void> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout } = await execute('git', list, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  for (const name of stdout.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await cp(join(ROOT, name), join(folder, name)).catch((error: unknown) => {
      // Deleted in the working folder and not yet committed.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    })
  }
}

/** Runs `npm ci`. @throws Error when npm fails, or warns about engines or install scripts. */
async function installQuietly(folder: string, env: NodeJS.ProcessEnv, ...options: readonly string[]): Promise<void> {
  const { stdout, stderr } = await execute('npm', ['ci', ...INSTALL, ...options], { cwd: folder, env })
  const warnings = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => /EBADENGINE|install.scripts?\b|allow-?scripts/i.test(line))
  if (warnings.length > 0) throw new Error(`npm warns:\n${warnings.join('\n')}`)
}

/** Starts the program, checks its health and Node version, and ends it by SIGTERM. @throws Error when a check fails. */
async function startAndStop(
  folder: string,
  env: NodeJS.ProcessEnv,
  ...[file = '', ...args]: readonly string[]
): Promise<void> {
  const data = await mkdtemp(join(work, 'data-'))
  const child = spawn(file, args, {
    cwd: folder,
    env: {
      ...env,
      NODE_OPTIONS: SAYING_VERSIONS,
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: data,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let printed = ''
  const ready = new Promise<string>((resolve, reject) => {
    const hear = (bytes: Buffer) => {
      printed += String(bytes)
      const url = /Yuyue is ready: +(http:\S+)/.exec(printed)?.[1]
      if (url) resolve(url)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    ended.then(() => reject(new Error(`it ended:\n${printed}`)), reject)
    setTimeout(() => reject(new Error(`it was not ready in time:\n${printed}`)), READY_MS).unref()
  })
  try {
    const health = await fetch(`${await ready}/healthz`)
    if (health.status !== 200) throw new Error(`/healthz answers ${health.status}`)
    const versions = [...printed.matchAll(/^runs:v(\d+)\S*yuyue\.mjs$/gm)].map(([, version]) => version)
    if (versions.at(-1) !== '24') throw new Error(`it runs on Node ${versions.join(', then ')}`)
    child.kill('SIGTERM')
    const [code, signal] = await ended
    if (code !== 0) throw new Error(`it ended with ${code ?? signal}:\n${printed}`)
  } catch (error) {
    // SIGTERM first: after a SIGKILL of npm, the program that it started would go on.
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
    await ended
    clearTimeout(late)
    throw error
  }
}

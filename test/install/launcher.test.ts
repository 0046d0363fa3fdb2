import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** The flags that the launcher gives V8. */
const FLAGS = ['--max-semi-space-size=8']

/** Makes Node report an old version. */
const OLD = ['--import', "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.1.0'}})"]
/** Replaces the program: prints how it was started. With `wait` it runs until a signal; with `die` it kills itself. */
const PROGRAM = `
let signals = 0
process.on('SIGTERM', () => { signals += 1; setTimeout(() => process.exit(10 + signals), 200) })
console.log(JSON.stringify({ args: process.argv.slice(2), options: process.execArgv, pid: process.pid }))
if (process.argv[2] === 'wait') setInterval(() => {}, 1000)
else if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL')
else process.exitCode = 3
`

let root: string
const put = (path: string, content: string, mode = 0o644) => {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content, { mode })
}
/** Installs a Node of the project; it drops the options `OLD`, so it reports its real version. */
const putNode = () => put('node_modules/node/bin/node', `#!/bin/sh\nshift 2\nexec '${process.execPath}' "$@"\n`, 0o755)

const start = (options: readonly string[], ...args: string[]): ChildProcess =>
  spawn(process.execPath, [...options, join(root, 'bin/yuyue.mjs'), ...args], { env: { PATH: process.env.PATH } })

async function run(options: readonly string[], ...args: string[]) {
  const child = start(options, ...args)
  const [out, error, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close'),
  ])
  return { code, out, error, pid: child.pid }
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'yuyue-launcher-'))
  cpSync(fileURLToPath(new URL('../../bin/yuyue.mjs', import.meta.url)), join(root, 'bin/yuyue.mjs'))
  put('package.json', '{ "type": "module" }')
  put('src/main.ts', PROGRAM)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('on Node 24', () => {
  test('runs the program with the flags of V8 in the same process', async () => {
    put('node_modules/x', '')
    const { code, out, pid } = await run([], 'verify', 'a b')
    expect(JSON.parse(out)).toEqual({ args: ['verify', 'a b'], options: FLAGS, pid })
    expect(code).toBe(3)
  })

  test('keeps a flag that was given', async () => {
    put('node_modules/x', '')
    const { out } = await run(['--max-semi-space-size=32'], 'verify')
    expect(JSON.parse(out).options).toEqual(['--max-semi-space-size=32'])
  })

  test('says in one sentence that the packages are missing', async () => {
    const { code, error } = await run([])
    expect(error).toBe(`The packages of Yuyue are missing: run \`npm ci\` in ${root}/ first.\n`)
    expect(code).toBe(1)
  })
})

describe('on an older Node', () => {
  test('starts the program on the Node of the project, and ends with its exit code', async () => {
    putNode()
    const { code, out } = await run(OLD, 'verify', 'a b')
    expect(JSON.parse(out)).toMatchObject({ args: ['verify', 'a b'], options: FLAGS })
    expect(code).toBe(3)
  })

  test('passes a signal on once', async () => {
    putNode()
    const child = start(OLD, 'wait')
    if (child.stdout) await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([11, null])
  })

  test('ends with 128 and the number of the signal that ended the program', async () => {
    putNode()
    expect((await run(OLD, 'die')).code).toBe(137)
  })

  test('says in one sentence that the package with Node 24 is missing', async () => {
    put('node_modules/x', '')
    const { code, error } = await run(OLD, 'start')
    expect(error).toBe(
      `Yuyue needs Node 24, and this is Node 20.1.0. The package \`node\`, which brings it, is not installed: run \`npm ci\` in ${root}/ again.\n`,
    )
    expect(code).toBe(1)
  })

  test('says in one sentence that npm did not run the install script', async () => {
    put('node_modules/node/package.json', '{}')
    const { code, error } = await run(OLD, 'start')
    expect(error).toMatch(/npm did not run the install script of the package `node`.*npm rebuild node/)
    expect(code).toBe(1)
  })

  test('says that the Node of the project is for another machine', async () => {
    put('node_modules/node/bin/node', 'not for this machine', 0o644)
    const { code, error } = await run(OLD, 'start')
    expect(error).toMatch(/^The Node of the project cannot run on this machine \(.*EACCES\): run `npm ci` in .* again/)
    expect(code).toBe(1)
  })
})

#!/usr/bin/env node
// @ts-check
/**
 * Starts the program: `node bin/yuyue.mjs COMMAND`. Plain JavaScript, because any Node from 16 on must be able to run it; the program itself
 * needs Node 24, which comes with the packages of the project. This is also the only place that sets V8's flags.
 *
 * - On Node 24 or newer it replaces itself by the same process with the flags, or goes on at once when they are already given.
 * - On an older Node it starts the project's Node, hands signals on, and ends with the same exit code.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const NEEDED = 24

/** The flags of V8. V8 reads them only at the start of a process. */
const FLAGS = [
  // A young generation of 16 MB a half: V8's own 64 MB cost each process 75 MB and make it no faster (docs/operating.md, Memory).
  '--max-semi-space-size=16',
]

const here = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** The flags that nobody has given yet: those given by hand or in NODE_OPTIONS win. */
function missingFlags() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS || '']
  return FLAGS.filter((flag) => !given.some((option) => option.includes(flag.replace(/=.*/, ''))))
}

/** What the program's process is given besides; the variables of whoever starts it win. */
const ENVIRONMENT = {
  // Where Node keeps the compiled program: half of the time to load it is saved. Written soon after a start, or by `prepare`.
  NODE_COMPILE_CACHE: `${root}node_modules/.cache/yuyue/compiled`,
  NODE_COMPILE_CACHE_PORTABLE: '1',
  // The C library keeps less of what it was given back: 10 MB.
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
}

/** The project's Node, if it is installed. */
function projectsNode() {
  const { platform, arch } = process
  const suffix = platform === 'win32' ? '.exe' : ''
  const system = platform === 'win32' ? 'win' : platform
  const bare = `${platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'}-${system}-${arch}`
  return ['node', `node/node_modules/${bare}`, bare]
    .map((name) => `${root}node_modules/${name}/bin/node${suffix}`)
    .find(existsSync)
}

/** Prints one sentence and ends. */
function refuse(/** @type {string} */ sentence) {
  console.error(sentence)
  process.exit(1)
}

/** Says why there is no Node for the program, and what to do. */
function refuseForLackOfNode() {
  const needs = `Yuyue needs Node ${NEEDED}, and this is Node ${process.versions.node}.`
  if (!existsSync(`${root}node_modules/node`))
    refuse(`${needs} The package \`node\`, which brings it, is not installed: run \`npm ci\` in ${root} again.`)
  refuse(
    `${needs} npm did not run the install script of the package \`node\`, which brings it: run \`npm rebuild node --ignore-scripts=false\` in ${root}.`,
  )
}

/**
 * Starts the project's Node with the same arguments, and ends as it ends. It has a process group of its own, so that Ctrl-C reaches it once,
 * by this process, and not twice: a second signal would end it at once.
 */
function startOn(/** @type {string} */ node) {
  const args = [...process.execArgv, ...missingFlags(), here, ...process.argv.slice(2)]
  const child = spawn(node, args, {
    stdio: 'inherit',
    env: { ...ENVIRONMENT, ...process.env },
    detached: process.platform !== 'win32',
  })
  /** @type {readonly NodeJS.Signals[]} */
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    refuse(
      `The Node of the project cannot run on this machine (${error.message}): run \`npm ci\` in ${root} again, or start with a Node ${NEEDED} of your own.`,
    )
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)))
}

if (!existsSync(`${root}node_modules`)) refuse(`The packages of Yuyue are missing: run \`npm ci\` in ${root} first.`)
if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  const node = projectsNode()
  if (node) startOn(node)
  else refuseForLackOfNode()
} else {
  const flags = missingFlags()
  // Windows can't replace a process: there the program goes on without the flags.
  if (flags.length > 0 && process.execve && process.platform !== 'win32') {
    const { execPath, execArgv, argv, env } = process
    process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...ENVIRONMENT, ...env })
  }
  // Where the process was not replaced. A Node that was told by its variable has begun already.
  nodeModule.enableCompileCache({ directory: ENVIRONMENT.NODE_COMPILE_CACHE, portable: true })
  await import('../src/main.ts')
}

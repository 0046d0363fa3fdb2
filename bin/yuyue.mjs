#!/usr/bin/env node
// @ts-check
/**
 * Starts the program: `node bin/yuyue.mjs COMMAND`. It is plain JavaScript, because any Node from 16 on must be able to
 * run it; the program itself needs Node 24, which is installed with the packages. It is also the only place that sets
 * V8's flags.
 *
 * - On Node 24 or newer it replaces itself with the same process plus the flags, or continues if they are already set.
 * - On an older Node it starts the project's Node, forwards signals, and ends with the same exit code.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const NEEDED = 24

/** V8's flags, which are only read at the start of a process. */
const FLAGS = [
  // Semi-spaces of 8 MB: V8's default of 64 MB costs each process 100 MB and is no faster (docs/operating.md, Memory).
  '--max-semi-space-size=8',
]

const here = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** The flags that are not set yet: those given by hand or in NODE_OPTIONS take precedence. */
function missingFlags() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS || '']
  return FLAGS.filter((flag) => !given.some((option) => option.includes(flag.replace(/=.*/, ''))))
}

/** Additional environment variables of the program; existing ones take precedence. */
const ENVIRONMENT = {
  // Folder for Node's compile cache, which halves the loading time. Written soon after a start, or by `prepare`.
  NODE_COMPILE_CACHE: `${root}node_modules/.cache/yuyue/compiled`,
  NODE_COMPILE_CACHE_PORTABLE: '1',
  // Makes the C library return more freed memory to the system: 10 MB.
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

/** Prints a message and ends with exit code 1. */
function refuse(/** @type {string} */ sentence) {
  console.error(sentence)
  process.exit(1)
}

/** Explains why there is no Node for the program, and what to do. */
function refuseForLackOfNode() {
  const needs = `Yuyue needs Node ${NEEDED}, and this is Node ${process.versions.node}.`
  if (!existsSync(`${root}node_modules/node`))
    refuse(`${needs} The package \`node\`, which brings it, is not installed: run \`npm ci\` in ${root} again.`)
  refuse(
    `${needs} npm did not run the install script of the package \`node\`, which brings it: ` +
      `run \`npm rebuild node --ignore-scripts=false\` in ${root}.`,
  )
}

/**
 * Starts the project's Node with the same arguments, and ends with its exit code. It gets its own process group, so
 * that it receives Ctrl-C once, from this process: a second signal would end it at once.
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
      `The Node of the project cannot run on this machine (${error.message}): ` +
        `run \`npm ci\` in ${root} again, or start with your own Node ${NEEDED}.`,
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
  // Windows cannot replace a process, so the program continues there without the flags.
  if (flags.length > 0 && process.execve && process.platform !== 'win32') {
    const { execPath, execArgv, argv, env } = process
    process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...ENVIRONMENT, ...env })
  }
  // Needed if the process was not replaced. Does nothing if the variable has already enabled the cache.
  nodeModule.enableCompileCache({ directory: ENVIRONMENT.NODE_COMPILE_CACHE, portable: true })
  await import('../src/main.ts')
}

/**
 * Completes package-lock.json. Run it after each `npm install`:
 *
 * - If the registry in use lacks packages of some platforms, npm leaves these optional packages out, and `npm ci`
 *   refuses such a lock. They are added with the versions that their parents name; their hashes stay unknown.
 * - The `engines` of packages are removed. npm would compare them with the Node that runs npm and warn, but the
 *   packages run on the Node of the project, which is compared here instead.
 *
 * With --check it writes nothing and fails if the lock is not complete, or an installed package does not support the
 * Node of the project.
 *
 *   node scripts/complete-lock.ts [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { satisfies } from 'semver'

interface Entry {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  engines?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

const root = new URL('../', import.meta.url)
const file = new URL('package-lock.json', root)
const before = readFileSync(file, 'utf8')
const lock: { packages: Record<string, Entry> } = JSON.parse(before)

const added = addOtherPlatforms()
removeEngines()
const after = `${JSON.stringify(lock, null, 2)}\n`
const unsupported = Object.keys(lock.packages).flatMap(complaintOf)
for (const complaint of unsupported) console.error(complaint)
if (unsupported.length > 0) process.exitCode = 1
if (!process.argv.includes('--check')) {
  writeFileSync(file, after)
  console.log(`${added} optional packages added`)
} else if (after !== before) {
  console.error('package-lock.json is not complete: run node scripts/complete-lock.ts')
  process.exitCode = 1
}

function addOtherPlatforms(): number {
  let count = 0
  for (const [path, parent] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const at = `node_modules/${name}`
      if (path === '' || lock.packages[at] || lock.packages[`${path}/${at}`]) continue
      lock.packages[at] = { version, ...(parent.dev && { dev: true }), optional: true, ...platformOf(name) }
      count += 1
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  return count
}

function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/.-]/)
  const os = words.find((word) => SYSTEMS.includes(word))
  const cpu = words.find((word) => PROCESSORS.includes(word))
  return {
    ...(os && { os: [os] }),
    ...(cpu && { cpu: [cpu] }),
    ...(os === 'linux' && { libc: [name.includes('musl') ? 'musl' : 'glibc'] }),
  }
}

/** Removes the `engines` of all packages but our own, which is about the Node that runs npm and the launcher. */
function removeEngines(): void {
  for (const [path, entry] of Object.entries(lock.packages)) if (path !== '') delete entry.engines
}

/** A complaint if an installed package does not support the Node of the project. */
function complaintOf(path: string): string[] {
  const manifest = new URL(`${path}/package.json`, root)
  if (path === '' || !existsSync(manifest)) return []
  const { name, version, engines }: Entry & { name: string } = JSON.parse(readFileSync(manifest, 'utf8'))
  const asked = engines?.node
  const node = lock.packages['node_modules/node']?.version ?? ''
  if (asked === undefined || satisfies(node, asked)) return []
  return [`${name} ${version} requires Node ${asked}; the project has ${node}`]
}

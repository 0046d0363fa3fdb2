/**
 * Writes docs/licences.md from package-lock.json: the packages that run in production and their licences. Fails if a
 * licence is neither permissive nor explained here. With --check it writes nothing and also fails if the page is stale.
 *
 *   node scripts/generate-licences.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
}

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  '(MIT OR CC0-1.0)',
])

/** Packages under other licences, by the beginning of their names, and why they may be used. */
const EXPLAINED: Readonly<Record<string, string>> = {
  '@img/sharp-':
    'libvips, the library behind sharp, is under the LGPL. It is a shared library that sharp loads and anybody may ' +
    'replace; it is neither changed nor linked into the program.',
}

const introduction = `<!-- Written by scripts/generate-licences.ts from package-lock.json. -->
# Licences

Yuyue is under the [MIT license](../LICENSE). These packages run with it; packages for development and tests are not
listed. \`npm run sbom\` writes the same list as a CycloneDX document.
`

const font = `## OFL-1.1

The font of PDF files is part of the project and comes with its licence (\`assets/fonts\`), the SIL Open Font License:
it may be used, embedded and passed on, but not sold by itself.

Noto Sans SC Regular`

const target = new URL('../docs/licences.md', import.meta.url)
const lock: { readonly packages: Readonly<Record<string, Entry>> } = JSON.parse(
  readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
)
const packages = Object.entries(lock.packages)
  .filter(([path, { dev }]) => path !== '' && !dev)
  .map(([path, { version = '', license = 'not named' }]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 13),
    version,
    license,
  }))

const refused = packages.filter(({ name, license }) => !PERMISSIVE.has(license) && reasonOf(name) === undefined)
for (const { name, version, license } of refused) process.stderr.write(`${name} ${version} is under ${license}\n`)
const text = page()
if (refused.length > 0) {
  process.exitCode = 1
} else if (!process.argv.includes('--check')) {
  writeFileSync(target, text)
} else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('docs/licences.md is stale: run npm run generate\n')
  process.exitCode = 1
}

function reasonOf(name: string): string | undefined {
  return Object.entries(EXPLAINED).find(([beginning]) => name.startsWith(beginning))?.[1]
}

function page(): string {
  const sections = [...Map.groupBy(packages, ({ license }) => license)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([license, members]) => {
      const names = [...new Set(members.map(({ name, version }) => `${name} ${version}`))].sort()
      const reasons = PERMISSIVE.has(license) ? [] : new Set(members.flatMap(({ name }) => reasonOf(name) ?? []))
      return [`## ${license}`, ...reasons, names.join(', ')].join('\n\n')
    })
  return `${introduction}\n${[...sections, font].join('\n\n')}\n`
}

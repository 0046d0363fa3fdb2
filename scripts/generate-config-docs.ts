/**
 * Writes docs/configuration.md from the settings of all parts. With --check it writes nothing and fails if the file is
 * stale.
 *
 *   node scripts/generate-config-docs.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Variable } from '../src/config/settings.ts'
import { variables } from '../src/config.ts'

const KERNEL_GROUPS = [
  ...['Process', 'Web', 'Data', 'Secrets', 'First administrator', 'Mail', 'Messages', 'Files', 'Limits'],
  ...['Log-in', 'Third-party log-in', 'Privacy', 'Records', 'Logging'],
]

const introduction = `<!-- Written by scripts/generate-config-docs.ts from the settings of the kernel
(src/kernel/settings/) and of each part (settings.ts): change them there. -->
# Configuration

All configuration is set by environment variables, which are read once at the start. Nothing needs to be set to run on
one machine. An empty variable counts as not set. Invalid values stop the start with a list of all problems. Names that
look like a misspelt variable cause a warning in the log.
`

const target = new URL('../docs/configuration.md', import.meta.url)
const text = configurationPage()

if (!process.argv.includes('--check')) {
  writeFileSync(target, text)
} else if (readIfThere(target) !== text) {
  process.stderr.write('docs/configuration.md is stale: run npm run generate\n')
  process.exitCode = 1
}

/** The sections in order: first those of the kernel, then those of the parts. */
function groups(): readonly string[] {
  return [...new Set([...KERNEL_GROUPS, ...variables.map((variable) => variable.group)])]
}

function configurationPage(): string {
  const sections = groups().map((group) => {
    const rows = variables.filter((variable) => variable.group === group).map(row)
    return `## ${group}\n\n| Variable | Default | Allowed | |\n|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${introduction}\n${sections.join('\n')}`
}

function row(variable: Variable<unknown>): string {
  const cells = [`\`${variable.name}\``, shownDefault(variable), variable.kind.allowed, variable.about]
  return `| ${cells.map(cellText).join(' | ')} |`
}

/** Escapes a table cell. Inside code, only the `|` that ends a cell needs escaping. */
function cellText(text: string): string {
  return text.replaceAll('|', '\\|').replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found))
}

function shownDefault(variable: Variable<unknown>): string {
  if (variable.initial === undefined) return variable.shown
  return variable.shown === '' ? 'none' : `\`${variable.shown}\``
}

function readIfThere(file: URL): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

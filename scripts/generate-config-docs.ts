/**
 * Writes docs/configuration.md from the settings of all parts. With --check it writes nothing and fails when the file is stale.
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

const introduction = `<!-- Written by scripts/generate-config-docs.ts from the settings of the kernel (src/kernel/settings/) and of each part (settings.ts): change them there. -->
# Configuration

Everything is set by environment variables, read once at the start. Nothing needs to be set to run on one machine.
A variable that is set to nothing counts as unset. Wrong values stop the start with every problem listed at once;
names that look like a misspelt variable are warned about in the log.
`

const target = new URL('../docs/configuration.md', import.meta.url)
const text = configurationPage()

if (!process.argv.includes('--check')) {
  writeFileSync(target, text)
} else if (readIfThere(target) !== text) {
  process.stderr.write('docs/configuration.md is stale: run npm run generate\n')
  process.exitCode = 1
}

/** The order of the sections: of the kernel's first, then those of the parts. */
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

/** In code nothing but the line that ends a cell means something. */
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

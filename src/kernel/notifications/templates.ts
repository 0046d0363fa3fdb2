import { Liquid, type Template } from 'liquidjs'
import type { NotificationType } from './types.ts'

/** What a person is told, ready to show. */
export interface Rendered {
  /** One line of at most 200 characters. */
  readonly subject: string
  readonly body: string
}

/** The registered types with their templates compiled. */
export interface Templates {
  /** Undefined when no product registered such a type. */
  typeOf(key: string): NotificationType | undefined
  /** Throws (a LiquidJS error) when the data lacks a variable that the type's templates name. */
  render(type: NotificationType, data: object): Rendered
}

const SUBJECT_LENGTH = 200
const BODY_LENGTH = 20_000

/** Partials would read files: a template stands alone. */
const noFiles = {
  exists: async () => false,
  existsSync: () => false,
  readFile: async () => '',
  readFileSync: () => '',
  resolve: (_folder: string, file: string) => file,
}

/**
 * Compiles the templates of all types and tries each on its sample.
 * @throws Error that names every problem at once: a type registered twice, a template that doesn't parse, a variable or filter it doesn't
 * have. Variables are also looked up in branches that the sample doesn't take.
 */
export function compileTemplates(types: readonly NotificationType[]): Templates {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    fs: noFiles,
    relativeReference: false,
    parseLimit: 100_000,
    renderLimit: 500,
    memoryLimit: 10_000_000,
  })
  const problems: string[] = []
  const compiled = new Map<string, { type: NotificationType; subject: Template[]; body: Template[] }>()

  const compile = (type: NotificationType, part: 'subject' | 'body'): Template[] => {
    try {
      const template = liquid.parse(type[part])
      for (const [root] of liquid.globalVariableSegmentsSync(template)) {
        if (typeof root === 'string' && !Object.hasOwn(type.sample, root)) {
          problems.push(`${type.key}, ${part}: unknown variable ${root}`)
        }
      }
      liquid.renderSync(template, type.sample)
      return template
    } catch (error) {
      problems.push(`${type.key}, ${part}: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  }

  for (const type of types) {
    if (compiled.has(type.key)) problems.push(`${type.key}: registered twice`)
    compiled.set(type.key, { type, subject: compile(type, 'subject'), body: compile(type, 'body') })
  }
  if (problems.length > 0) throw new Error(`Notification templates are wrong:\n  ${problems.join('\n  ')}`)

  return {
    typeOf: (key) => compiled.get(key)?.type,
    render(type, data) {
      const templates = compiled.get(type.key)
      if (!templates) throw new Error(`unknown notification type ${type.key}`)
      const text = (template: Template[]) => String(liquid.renderSync(template, data))
      return {
        // A line break in a subject would end the header of a mail.
        subject: clean(text(templates.subject).replace(/\s+/g, ' ').trim(), SUBJECT_LENGTH),
        body: clean(text(templates.body).trim(), BODY_LENGTH),
      }
    },
  }
}

/** A filter that cuts text may leave half a character, which the database refuses. */
function clean(text: string, length: number): string {
  return text.slice(0, length).toWellFormed().replaceAll('\0', '')
}

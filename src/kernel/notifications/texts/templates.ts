import { Liquid, type Template } from 'liquidjs'
import { late } from '../../late.ts'
import { DEFAULT_LOCALE, LOCALES, type Locale, type NotificationType, type Texts } from './types.ts'

const sanitizer = late<typeof import('sanitize-html')>('sanitize-html')

/** A rendered text, ready to show. */
export interface Rendered {
  /** One line of at most 200 characters. */
  readonly subject: string
  readonly body: string
}

/** The registered types with their compiled templates. */
export interface Templates {
  /** The type with a key; undefined when it is not registered. */
  typeOf(key: string): NotificationType | undefined
  /**
   * Renders a type's texts, in a language if it has them in that.
   * @throws an error of LiquidJS when the data lacks a variable that they name
   */
  render(type: NotificationType, data: object, locale?: Locale): Rendered
}

const SUBJECT_LENGTH = 200
const BODY_LENGTH = 20_000
const HTML_LENGTH = 200_000

/** Templates must not include files. */
const noFiles = {
  exists: async () => false,
  existsSync: () => false,
  readFile: async () => '',
  readFileSync: () => '',
  resolve: (_folder: string, file: string) => file,
}

const sandbox = {
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  fs: noFiles,
  relativeReference: false,
  parseLimit: 100_000,
  renderLimit: 500,
  memoryLimit: 10_000_000,
}

/** One engine for plain text, and one for rich text that escapes all data. */
const engines = { text: new Liquid(sandbox), html: new Liquid({ ...sandbox, outputEscape: 'escape' }) }
type Kind = keyof typeof engines

/** A checked and compiled template. */
export interface Compiled {
  readonly kind: Kind
  readonly parts: readonly Template[]
}

/**
 * Compiles a template and tries it on a sample that has every variable.
 * @throws Error when it doesn't parse, or names an unknown variable or filter. Variables are also checked in branches
 * that the sample doesn't take.
 */
export function compile(source: string, sample: Readonly<Record<string, unknown>>, kind: Kind = 'text'): Compiled {
  const engine = engines[kind]
  const parts = engine.parse(source)
  const unknown = engine
    .globalVariableSegmentsSync(parts)
    .flatMap(([root]) => (typeof root === 'string' && !Object.hasOwn(sample, root) ? [root] : []))
  if (unknown.length > 0) throw new Error(`unknown variable ${[...new Set(unknown)].join(', ')}`)
  engine.renderSync(parts, sample)
  return { kind, parts }
}

/** Renders a subject as one line: a line break would end the header of a mail. @throws like `Templates.render` */
export function renderLine(template: Compiled, data: object): string {
  return clean(render(template, data).replace(/\s+/g, ' ').trim(), SUBJECT_LENGTH)
}

/** Renders plain text. @throws like `Templates.render` */
export function renderText(template: Compiled, data: object): string {
  return clean(render(template, data).trim(), BODY_LENGTH)
}

/** Renders rich text, sanitised: no scripts, and only http(s) and mailto URLs. @throws like `Templates.render` */
export function renderHtml(template: Compiled, data: object): string {
  return clean(sanitize(render(template, data)), HTML_LENGTH)
}

function render({ kind, parts }: Compiled, data: object): string {
  return String(engines[kind].renderSync([...parts], data))
}

function sanitize(html: string): string {
  const sanitizeHtml = sanitizer()
  return sanitizeHtml(html, {
    allowedTags: [...sanitizeHtml.defaults.allowedTags, 'img', 'h1', 'h2'],
    allowedAttributes: {
      a: ['href', 'title'],
      img: ['src', 'alt', 'width', 'height'],
      '*': ['style', 'align'],
    },
    allowedStyles: {
      '*': {
        color: [/^#[0-9a-f]{3,6}$/i, /^[a-z]+$/i],
        'background-color': [/^#[0-9a-f]{3,6}$/i, /^[a-z]+$/i],
        'text-align': [/^(left|right|center)$/],
        'font-size': [/^\d{1,3}(px|em|%)$/],
        'font-weight': [/^(bold|normal|\d{3})$/],
        padding: [/^[\d px]{1,30}$/],
        margin: [/^[\d px]{1,30}$/],
      },
    },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowProtocolRelative: false,
  })
}

interface CompiledTexts {
  readonly subject: Compiled
  readonly body: Compiled
}

/** The texts of a type in a language; undefined if it has none in that. */
export function textsIn(type: NotificationType, locale: Locale): Texts | undefined {
  return locale === DEFAULT_LOCALE ? type : type.translations?.[locale]
}

/**
 * Compiles the templates of all types and tries each on its sample (see `compile`).
 * @throws Error that lists all problems: types registered twice, syntax errors, unknown variables or filters
 */
export function compileTemplates(types: readonly NotificationType[]): Templates {
  const problems: string[] = []
  const compiled = new Map<string, { type: NotificationType; texts: Map<Locale, CompiledTexts> }>()
  const nothing: Compiled = { kind: 'text', parts: [] }
  const attempt = (type: NotificationType, locale: Locale, texts: Texts, part: 'subject' | 'body'): Compiled => {
    try {
      return compile(texts[part], type.sample)
    } catch (error) {
      const name = locale === DEFAULT_LOCALE ? part : `${part} (${locale})`
      problems.push(`${type.key}, ${name}: ${error instanceof Error ? error.message : String(error)}`)
      return nothing
    }
  }
  for (const type of types) {
    if (compiled.has(type.key)) problems.push(`${type.key}: registered twice`)
    const texts = LOCALES.flatMap((locale) => {
      const own = textsIn(type, locale)
      if (!own) return []
      const [subject, body] = [attempt(type, locale, own, 'subject'), attempt(type, locale, own, 'body')]
      return [[locale, { subject, body }] as const]
    })
    compiled.set(type.key, { type, texts: new Map(texts) })
  }
  if (problems.length > 0) throw new Error(`Notification templates are wrong:\n  ${problems.join('\n  ')}`)

  return {
    typeOf: (key) => compiled.get(key)?.type,
    render(type, data, locale = DEFAULT_LOCALE) {
      const texts = compiled.get(type.key)?.texts
      const templates = texts?.get(locale) ?? texts?.get(DEFAULT_LOCALE)
      if (!templates) throw new Error(`unknown notification type ${type.key}`)
      return { subject: renderLine(templates.subject, data), body: renderText(templates.body, data) }
    },
  }
}

/** Cuts a text and repairs it: a filter may have cut a character in half, which the database would refuse. */
function clean(text: string, length: number): string {
  return text.slice(0, length).toWellFormed().replaceAll('\0', '')
}

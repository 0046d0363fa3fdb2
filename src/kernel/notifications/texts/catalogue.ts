import { sql } from 'kysely'
import { isDatabaseAway } from '../../database/constraints.ts'
import type { Database, OpenDatabase } from '../../database/database.ts'
import type { Ground } from '../../ground.ts'
import { type Channels, channels as programChannels } from '../channels.ts'
import { reconsider } from '../delivery/deliveryStore.ts'
import { DEFAULT_POLICY, type Policy } from '../delivery/policy.ts'
import { loadPolicy } from '../delivery/policyStore.ts'
import {
  type Compiled,
  compile,
  compileTemplates,
  type Rendered,
  renderHtml,
  renderLine,
  renderText,
  type Templates,
  textsIn,
} from './templates.ts'
import { type Category, DEFAULT_LOCALE, LOCALES, type Locale, type NotificationType } from './types.ts'

/** A row of `notification_types`: a type that an administrator added. */
export interface StoredType extends NotificationType {
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A row of `notification_templates`. */
export interface StoredTemplate {
  readonly id: number
  readonly type: string
  readonly channel: string
  readonly locale: Locale
  readonly subject: string
  readonly body: string
  readonly html: string | null
  readonly providerCode: string | null
  readonly providerParams: readonly string[] | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A rendered text for one channel. */
export interface ChannelText extends Rendered {
  readonly html?: string | undefined
  readonly template?: { readonly code: string; readonly params: readonly (readonly [string, string])[] } | undefined
}

/** All notification types and texts of the site, from code and from administrators, and the policy. */
export interface Catalogue extends Templates {
  readonly channels: Channels
  /** All types, those from code first. */
  types(): readonly NotificationType[]
  /** Whether a product registered the type in code. */
  isBuiltIn(key: string): boolean
  /** The inbox texts: one for each language that has a template or translation, and `*` for all others. */
  inboxTexts(type: NotificationType, data: object): Readonly<Record<string, Rendered>>
  /**
   * Renders the text for a channel in a language: by the template, or the type's own text when there is none. A
   * translation of the type wins over a template in Chinese.
   * @throws an error of LiquidJS when the data doesn't fit
   */
  write(type: NotificationType, channel: string, locale: Locale, data: object): ChannelText
  policy(): Policy
  /** Reads the stored types, templates and the policy again. */
  reload(db: Database): Promise<void>
}

interface CompiledTemplate {
  readonly subject: Compiled
  readonly body: Compiled
  readonly html: Compiled | undefined
  readonly code: string | null
  readonly params: readonly string[]
}

/** The NOTIFY channel that announces changes of types, templates or the policy. */
const CHANGED = 'notification_catalogue'

/**
 * Builds the catalogue from the types in code. `reload` adds the stored types, templates and policy.
 * @throws Error when a type in code is wrong (see `compileTemplates`) or names an unknown channel
 */
export function createCatalogue(builtIn: readonly NotificationType[], channels = programChannels): Catalogue {
  requireKnownChannels(builtIn, channels)
  const fixed = compileTemplates(builtIn)
  let own = compileTemplates([])
  let types: readonly NotificationType[] = builtIn
  let templates = new Map<string, CompiledTemplate>()
  let policy: Policy = { ...DEFAULT_POLICY, holidays: new Set() }

  const typeOf = (key: string) => fixed.typeOf(key) ?? own.typeOf(key)
  const plain = (type: NotificationType, data: object, locale?: Locale) =>
    fixed.typeOf(type.key) ? fixed.render(type, data, locale) : own.render(type, data, locale)

  /** The stored template for a text; undefined when the texts of the type are used. */
  const written = (type: NotificationType, channel: string, locale: Locale) => {
    const isTranslated = textsIn(type, locale) !== undefined
    // A provider that only sends registered templates sends them rather than a translation.
    const isRegistered = channels.delivery(channel)?.registeredTemplates === true
    const wanted = [
      [channel, locale],
      ['inbox', locale],
      ...(isTranslated && !isRegistered ? [] : [[channel, DEFAULT_LOCALE] as const]),
      ...(isTranslated ? [] : [['inbox', DEFAULT_LOCALE] as const]),
    ] as const
    for (const [by, language] of wanted) {
      const template = templates.get(keyOf(type.key, by, language))
      if (template) return template
    }
    return undefined
  }

  const write = (type: NotificationType, channel: string, locale: Locale, data: object): ChannelText => {
    const template = written(type, channel, locale)
    if (template === undefined) return plain(type, data, locale)
    try {
      return fill(template, data)
    } catch {
      // The data has another shape than the sample that the template was checked with. The type's own text fits it.
      return plain(type, data, locale)
    }
  }

  return {
    channels,
    types: () => types,
    typeOf,
    isBuiltIn: (key) => fixed.typeOf(key) !== undefined,
    render: plain,
    inboxTexts(type, data) {
      const languages = LOCALES.filter(
        (locale) =>
          templates.has(keyOf(type.key, 'inbox', locale)) ||
          (locale !== DEFAULT_LOCALE && textsIn(type, locale) !== undefined),
      )
      const texts = languages.map((locale) => [locale, write(type, 'inbox', locale, data)] as const)
      return { ...Object.fromEntries(texts), '*': write(type, 'inbox', DEFAULT_LOCALE, data) }
    },
    write,
    policy: () => policy,
    async reload(db) {
      const [stored, rows, held] = [await loadTypes(db), await loadTemplates(db), await loadPolicy(db)]
      const added = stored.filter((type) => fixed.typeOf(type.key) === undefined)
      own = compileTemplates(added)
      types = [...builtIn, ...added]
      templates = new Map(
        rows.flatMap((row) => {
          const type = typeOf(row.type)
          const compiled = type && compileQuietly(row, type)
          return compiled ? [[keyOf(row.type, row.channel, row.locale), compiled] as const] : []
        }),
      )
      policy = held
    },
  }
}

/** The stored part that changed: the payload of the NOTIFY. */
type Changed = 'texts' | 'policy'

/**
 * Reads the stored part now, and again whenever a process changes it or a lost connection is back. Returns a function
 * that stops this.
 */
export async function followChanges(
  kernel: Pick<Ground, 'clock' | 'db' | 'log'>,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  catalogue: Catalogue,
): Promise<() => Promise<void>> {
  const read = async (changed: string) => {
    await catalogue.reload(kernel.db)
    // Until now this process may have held up deliveries by the old policy.
    if (changed === ('policy' satisfies Changed)) await reconsider(kernel.db, kernel.clock.now())
  }
  const again = (changed: string) => {
    read(changed).catch((err: unknown) => {
      // If the database is away again, the next reconnection reads them.
      if (!isDatabaseAway(err)) kernel.log.error({ err }, 'notification types not read')
    })
  }
  const stop = await database.listen(CHANGED, again)
  // Announcements were missed while the connection was lost.
  const forget = database.listenState.onListening(() => again('policy'))
  await catalogue.reload(kernel.db)
  return async () => {
    forget()
    await stop()
  }
}

/** Announces a change to all processes; on commit when `db` is a transaction. */
export async function announceChange(db: Database, changed: Changed): Promise<void> {
  await sql`SELECT pg_notify(${CHANGED}, ${changed})`.execute(db)
}

/**
 * Checks a template against its type.
 * @throws Error that names the wrong part: unknown variables or filters, syntax errors
 */
export function compileTemplate(
  template: Pick<StoredTemplate, 'subject' | 'body' | 'html' | 'providerCode' | 'providerParams'>,
  sample: Readonly<Record<string, unknown>>,
): CompiledTemplate {
  const part = (name: string, source: string, kind: 'text' | 'html') => {
    try {
      return compile(source, sample, kind)
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const params = template.providerParams ?? []
  const unknown = params.filter((name) => !Object.hasOwn(sample, name))
  if (unknown.length > 0) throw new Error(`provider_params: unknown variable ${unknown.join(', ')}`)
  return {
    subject: part('subject', template.subject, 'text'),
    body: part('body', template.body, 'text'),
    html: template.html === null ? undefined : part('html', template.html, 'html'),
    code: template.providerCode,
    params,
  }
}

/** Renders a compiled template. @throws an error of LiquidJS when the data lacks a variable */
export function fill(template: CompiledTemplate, data: object): ChannelText {
  const { subject, body, html, code, params } = template
  const facts = new Map(Object.entries(data))
  return {
    subject: renderLine(subject, data),
    body: renderText(body, data),
    ...(html && { html: renderHtml(html, data) }),
    ...(code !== null && { template: { code, params: params.map((name) => [name, String(facts.get(name) ?? '')]) } }),
  }
}

function compileQuietly(row: StoredTemplate, type: NotificationType): CompiledTemplate | undefined {
  try {
    return compileTemplate(row, type.sample)
  } catch {
    // A new version of the program removed a variable of the type. The type's own text is used.
    return undefined
  }
}

function requireKnownChannels(types: readonly NotificationType[], { all }: Channels): void {
  const known = new Set(all.map(({ key }) => key))
  const wrong = types.flatMap((type) =>
    type.channels.filter((key) => !known.has(key)).map((key) => `${type.key}: unknown channel ${key}`),
  )
  if (wrong.length > 0) throw new Error(`Notification types are wrong:\n  ${wrong.join('\n  ')}`)
}

function keyOf(type: string, channel: string, locale: string): string {
  return `${type} ${channel} ${locale}`
}

/** Reads the types that administrators added, in order of key. */
async function loadTypes(db: Database): Promise<readonly StoredType[]> {
  const { rows } = await sql<{
    readonly key: string
    readonly title: string
    readonly category: Category
    readonly urgent: boolean
    readonly channels: string[]
    readonly subject: string
    readonly body: string
    readonly sample: Record<string, unknown>
    readonly createdAt: Date
    readonly updatedAt: Date
  }>`
    SELECT key, name AS title, category, urgent, channels, subject, body, sample,
      created_at AS "createdAt", updated_at AS "updatedAt"
    FROM notification_types
    ORDER BY key`.execute(db)
  return rows
}

/** Reads the templates in order of type, channel and language: all, those of one type, or one by id. */
export async function loadTemplates(
  db: Database,
  filter: { readonly id?: number; readonly type?: string } = {},
): Promise<readonly StoredTemplate[]> {
  const { rows } = await sql<StoredTemplate>`
    SELECT id, type, channel, locale, subject, body, html,
      provider_code AS "providerCode", provider_params AS "providerParams",
      created_at AS "createdAt", updated_at AS "updatedAt"
    FROM notification_templates
    WHERE (${filter.id ?? null}::bigint IS NULL OR id = ${filter.id ?? null})
      AND (${filter.type ?? null}::text IS NULL OR type = ${filter.type ?? null})
    ORDER BY type, channel, locale`.execute(db)
  return rows
}

import { type TProperties, Type } from 'typebox'
import { Invalid } from '../../../kernel/errors.ts'
import { EXPORT_CONTENTS, ExportFormatSchema, sendExport } from '../../../kernel/exports/exports.ts'
import { cellsOf, fromMemory } from '../../../kernel/exports/rows.ts'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import type { VenuePermission } from '../../permissions.ts'
import { type Dimension, NAMES } from './dimensions.ts'
import { DEFINITIONS, type Definition, NAME_SCHEMAS } from './figures.ts'
import { ask, type Question } from './store.ts'

const tag = 'Statistics'
const permission: VenuePermission = 'venue:statistics.read'

/** Number of reservations from which a person counts as active, unless the request says otherwise. */
const THRESHOLD = 10

/** Page sizes of a dimension: the 168 hours of a week belong on one page. */
const pageSizes = (dimension: Dimension) =>
  dimension === 'hour' ? { maximum: 168, default: 168 } : { maximum: 100, default: 20 }

/** Statistics of the venue product; docs/statistics.md defines each figure. */
export function statisticsRoutes(app: App, kernel: Kernel): void {
  for (const definition of DEFINITIONS) statisticRoute(app, kernel, definition)
}

function statisticRoute(app: App, kernel: Kernel, definition: Definition): void {
  const { path, summary, description, dimensions, figures, file } = definition
  const [usual] = dimensions
  const querystring = Type.Object({
    start_date: Type.Optional({ ...LocalDate, description: 'First local day; without it, there is no lower bound.' }),
    end_date: Type.Optional({
      ...LocalDate,
      description: 'Last local day, included; without it, there is no upper bound.',
    }),
    venue_id: Type.Optional(Id),
    group_by: Type.Unsafe<Dimension>({ type: 'string', enum: [...dimensions], default: usual }),
    ...(path.endsWith('user-activity') && {
      threshold: Type.Integer({ minimum: 1, maximum: 1_000_000, default: THRESHOLD }),
    }),
    format: Type.Enum(['json', ...ExportFormatSchema.enum], { default: 'json' }),
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    page_size: Type.Integer({ minimum: 1, ...pageSizes(usual) }),
  })

  route(app, {
    method: 'GET',
    paths: v1(`/stats/${path}`),
    operationId: definition.operationId,
    permission,
    summary,
    description: `${description} \`format=csv|xlsx|pdf\` returns all groups as a file, without pages.`,
    tag,
    schema: {
      querystring,
      response: {
        200: {
          description: 'The groups with their figures.',
          content: {
            'application/json': { schema: answerSchema(dimensions, figures) },
            ...EXPORT_CONTENTS,
          },
        },
      },
    },
    handler: async ({ query }, reply) => {
      const dimension = query.group_by
      const threshold = typeof query.threshold === 'number' ? query.threshold : THRESHOLD
      const question = questionOf(kernel, query, { dimension, threshold })
      const { statistic } = definition
      const { zone } = question
      if (query.format === 'json') {
        const part = { limit: query.page_size, offset: pageOffset(query) }
        const { groups, total } = await ask(kernel.reads, statistic, question, part)
        return { ...rangeOf(query), group_by: question.dimension, ...pageAnswer(groups, total, query) }
      }
      const { groups } = await ask(kernel.reads, statistic, question)
      const figuresHere = definition.figuresOf?.(question.dimension) ?? Object.keys(figures)
      const columns: readonly string[] = [...NAMES[question.dimension], ...figuresHere]
      const rows = cellsOf(fromMemory(groups), (group) => columns.map((column) => group[column] ?? null))
      const count = async () => groups.length
      return sendExport(reply, { name: file, format: query.format, zone, at: question.now, columns, rows, count })
    },
  })
}

interface Range {
  readonly start_date?: string
  readonly end_date?: string
}

interface Asked extends Range {
  readonly venue_id?: number
}

function rangeOf({ start_date, end_date }: Range) {
  return { start_date: start_date ?? null, end_date: end_date ?? null }
}

/** Builds the question of a request. @throws Invalid `validation` when the range ends before it starts. */
function questionOf({ config, clock }: Kernel, asked: Asked, of: Pick<Question, 'dimension' | 'threshold'>): Question {
  const { start_date: start, end_date: end } = asked
  if (start !== undefined && end !== undefined && end < start) {
    throw new Invalid('validation', 'The range ends before it starts.', {
      errors: [{ in: 'query', path: '/end_date', message: 'must not be before start_date' }],
    })
  }
  const zone = config.timeZone
  return {
    ...of,
    from: start === undefined ? null : dayBounds(start, zone).start,
    to: end === undefined ? null : dayBounds(end, zone).end,
    venueId: asked.venue_id ?? null,
    zone,
    now: clock.now(),
  }
}

/** Schema of a page of groups. Each group has the columns that name it, and its figures. */
function answerSchema(dimensions: readonly Dimension[], figures: TProperties) {
  const names = [...new Set(dimensions.flatMap((dimension) => NAMES[dimension]))]
  return Type.Object({
    start_date: Nullable(Type.String({ examples: ['2026-03-01'] })),
    end_date: Nullable(Type.String({ examples: ['2026-03-31'] })),
    group_by: Type.String({ enum: [...dimensions] }),
    items: Type.Array(
      Type.Object({
        ...Object.fromEntries(names.map((name) => [name, Type.Optional(NAME_SCHEMAS[name])])),
        ...figures,
      }),
    ),
    total: Type.Integer({ minimum: 0, description: 'Groups over all pages.' }),
    page: Type.Integer({ minimum: 1 }),
    page_size: Type.Integer({ minimum: 1, maximum: 168 }),
    total_pages: Type.Integer({ minimum: 0 }),
  })
}

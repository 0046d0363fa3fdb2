/**
 * Writes src/kernel/database/tables.ts, the row types of the migrated schema: `node scripts/generate-tables.ts`. With
 * `--check` it exits with 1 if the committed file is stale.
 *
 * It replaces kysely-codegen because of two features: a CHECK of listed values becomes a union of them, and a generated
 * column cannot be written.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { openDatabase } from '../src/kernel/database/database.ts'
import { migrate } from '../src/kernel/database/migrate.ts'

interface Column {
  readonly table_name: string
  readonly column_name: string
  /** Type of the element, if it is an array. */
  readonly type: string
  readonly array: boolean
  readonly nullable: boolean
  readonly defaulted: boolean
  /** Computed, or an identity column that cannot be set. */
  readonly always: boolean
  readonly view: boolean
  /** The definitions of the CHECK constraints on this column alone. */
  readonly checks: readonly string[]
  readonly labels: readonly string[]
}

// Partitions are left out: they are used through their table.
const columnsQuery = `
  select c.relname as table_name, a.attname as column_name,
    coalesce(e.typname, t.typname) as type, e.oid is not null as array,
    not (a.attnotnull or t.typnotnull) as nullable,
    a.atthasdef or a.attidentity <> '' as defaulted,
    a.attgenerated <> '' or a.attidentity = 'a' as always,
    c.relkind in ('v', 'm') as view,
    array(
      select pg_get_constraintdef(k.oid)
      from pg_constraint k
      where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
      order by k.conname
    ) as checks,
    array(
      select l.enumlabel::text
      from pg_enum l
      where l.enumtypid = coalesce(e.oid, t.oid)
      order by l.enumsortorder
    ) as labels
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  order by c.relname, a.attnum`

// TypeScript types by PostgreSQL type: the one that is read and, if it differs, the one that may be written.
const types: Readonly<Record<string, readonly [string, string?]>> = {
  int2: ['number'],
  int4: ['number'],
  int8: ['number'],
  float4: ['number'],
  float8: ['number'],
  bool: ['boolean'],
  timestamptz: ['Date'],
  json: ['JsonValue', 'JsonInput'],
  jsonb: ['JsonValue', 'JsonInput'],
  bytea: ['Buffer'],
  numeric: ['string', 'string | number'],
  // Other types are strings: texts, local dates and times, uuids, ranges (select lower() and upper()).
}

/**
 * The literals of `CHECK ((status = ANY (ARRAY['a'::text, 'b'::text])))`, PostgreSQL's form of `status IN ('a', 'b')`.
 */
function listedValues(checks: readonly string[]): string | undefined {
  for (const check of checks) {
    const list = /^CHECK \(\(\(?"?\w+"?\)?(?:::text)? = ANY \(+ARRAY\[(.+)\]\)?(?:::text\[\])?\)+$/.exec(check)?.[1]
    const literals = [...(list ?? '').matchAll(/'((?:[^']|'')*)'::/g)].map((match) => match[1]?.replaceAll("''", "'"))
    if (literals.length > 0) return literals.map((literal) => JSON.stringify(literal)).join(' | ')
    const single = /^CHECK \(\("?\w+"? = '((?:[^']|'')*)'::text\)\)$/.exec(check)?.[1]
    if (single !== undefined) return JSON.stringify(single)
  }
  return undefined
}

function typeOf(column: Column): string {
  const labels = column.labels.map((label) => JSON.stringify(label)).join(' | ')
  const [scalar, scalarInput] = types[column.type] ?? [labels || listedValues(column.checks) || 'string']
  const list = (type: string) => (column.array ? `(${type})[]` : type)
  const orNull = (type: string) => (column.nullable ? `${type} | null` : type)
  const read = orNull(list(scalar))
  if (column.view) return `ColumnType<${read}, never, never>`
  if (column.always) return `GeneratedAlways<${read}>`
  const write = orNull(list(scalarInput ?? scalar))
  const optional = column.defaulted || column.nullable
  if (read === write) return column.defaulted ? `Generated<${read}>` : read
  return `ColumnType<${read}, ${write}${optional ? ' | undefined' : ''}, ${write}>`
}

const interfaceName = (table: string): string =>
  `${table.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Table`

/** The contents of tables.ts for the schema behind a pool. */
export async function describeTables(pool: pg.Pool): Promise<string> {
  const tables = Map.groupBy((await pool.query<Column>(columnsQuery)).rows, (column) => column.table_name)
  const body = [...tables].map(([table, columns]) =>
    [
      `export interface ${interfaceName(table)} {`,
      ...columns.map((column) => `  ${column.column_name}: ${typeOf(column)}`),
      '}\n',
    ].join('\n'),
  )
  const map = [...tables.keys()].map((table) => `  ${table}: ${interfaceName(table)}`)
  const imports = ['ColumnType', 'Generated', 'GeneratedAlways'].filter((name) => body.join().includes(`${name}<`))
  return `// Generated by scripts/generate-tables.ts from migrations/. Do not edit: run \`npm run generate\`.
${imports.length > 0 ? `import type { ${imports.join(', ')} } from 'kysely'\n` : ''}
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue | undefined }

/**
 * JSON as text, or an object. A list must be passed as text (JSON.stringify), because the driver turns an array into
 * one of PostgreSQL's.
 */
export type JsonInput = string | { readonly [key: string]: unknown }

${body.join('\n')}
export interface DB {
${map.join('\n')}
}
`
}

async function main(check: boolean): Promise<void> {
  const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
  const log = { info: () => {}, warn: console.warn, error: console.error }
  const database = await openDatabase({ dataDir: 'memory', poolSize: 1, log })
  await migrate(database.pool, root('migrations'), log)
  const text = await describeTables(database.pool)
  await database.close()
  const file = root('src/kernel/database/tables.ts')
  if (!check) return writeFile(file, text)
  if (text === (await readFile(file, 'utf8').catch(() => ''))) return
  console.error('src/kernel/database/tables.ts does not fit migrations/: run `npm run generate` and commit the result')
  process.exitCode = 1
}

if (import.meta.main) await main(process.argv.includes('--check'))

import pg from 'pg'

// text[]: pg's types only know the oids of scalars.
const textArray: number = 1009
const parseTextArray = pg.types.getTypeParser(textArray, 'text') as (text: string) => (string | null)[]

/** An array (of one dimension) whose elements are parsed one by one; NULLs stay. */
const arrayOf =
  <T>(parse: (text: string) => T) =>
  (text: string): (T | null)[] =>
    parseTextArray(text).map((element) => (element === null ? null : parse(element)))

const sameText = (text: string): string => text

/** int8 as a number: every id and count of ours fits. One that does not is refused rather than rounded. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit into a safe integer`)
  return value
}

// By type oid. What is not listed keeps pg's parser: timestamptz becomes a Date, json and jsonb are parsed.
const parsers = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [1016, arrayOf(parseInt8)],
  // A local calendar date has no zone: pg would make it midnight of this machine's zone.
  [1082, sameText],
  [1182, arrayOf(sameText)],
  // numeric stays exact.
  [1700, sameText],
  [1231, arrayOf(sameText)],
])

/**
 * How values of the database become JavaScript values, for one pool only (pg's own table is shared by the whole process):
 * int8 → number (throws a RangeError beyond 2^53), date → 'YYYY-MM-DD', numeric → string, timestamptz → Date.
 */
export const typeParsers: pg.CustomTypesConfig = {
  // pg asks for one parser by type and format; its overloads can't be said by a plain function.
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) ||
    pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}

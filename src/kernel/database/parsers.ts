import pg from 'pg'

// The oid of text[]: pg's types only contain the oids of scalars.
const textArray: number = 1009
const parseTextArray = pg.types.getTypeParser(textArray, 'text') as (text: string) => (string | null)[]

/** Parser of one-dimensional arrays that parses each element; NULLs stay. */
const arrayOf =
  <T>(parse: (text: string) => T) =>
  (text: string): (T | null)[] =>
    parseTextArray(text).map((element) => (element === null ? null : parse(element)))

const sameText = (text: string): string => text

/** Parses int8 to a number. All our ids and counts fit; other values are refused instead of rounded. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit into a safe integer`)
  return value
}

// By type oid. Other types keep pg's parser: timestamptz becomes a Date, json and jsonb are parsed.
const parsers = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [1016, arrayOf(parseInt8)],
  // A local calendar date has no zone. pg would convert it to midnight in this machine's zone.
  [1082, sameText],
  [1182, arrayOf(sameText)],
  // numeric stays exact.
  [1700, sameText],
  [1231, arrayOf(sameText)],
])

/**
 * Parsers of database values for one pool (pg's own parsers are shared by the whole process):
 * int8 → number (throws a RangeError beyond 2^53), date → 'YYYY-MM-DD', numeric → string, timestamptz → Date.
 */
export const typeParsers: pg.CustomTypesConfig = {
  // The cast is needed because the overloads of pg can't be written as one function.
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) ||
    pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}

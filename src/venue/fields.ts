import type { Static, TSchema } from 'typebox'
import { Type } from 'typebox'

/**
 * A field that may be null; in a request, null unsets it. It is written as a list of types and not as a union, which the
 * serializer of answers would have to try out value by value.
 */
export function Nullable<Schema extends TSchema>(schema: Schema) {
  const { type, enum: values, ...rest }: { type?: unknown; enum?: readonly unknown[] } = schema
  if ('const' in schema || (typeof type !== 'string' && !values)) {
    return Type.Unsafe<Static<Schema> | null>({ anyOf: [schema, { type: 'null' }] })
  }
  return Type.Unsafe<Static<Schema> | null>({
    ...rest,
    ...(typeof type === 'string' && { type: [type, 'null'] }),
    ...(values && { enum: [...values, null] }),
  })
}

/** Where a picture is: an http(s) address, or a path on this server. */
export const ImageUrl = Type.String({ maxLength: 500, pattern: '^(https?://|/)[^\\s]+$', examples: ['/files/42'] })

/** The answer to a deletion: no body. */
export const Deleted = Type.Null({ description: 'Deleted.' })

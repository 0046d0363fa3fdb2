import { Type } from 'typebox'

/** Where a picture is: an http(s) address, or a path on this server. */
export const ImageUrl = Type.String({ maxLength: 500, pattern: '^(https?://|/)[^\\s]+$', examples: ['/files/42'] })

/** The answer to a deletion: no body. */
export const Deleted = Type.Null({ description: 'Deleted.' })

import { Type } from 'typebox'

/** Address of a picture: an http(s) URL, or a path on this server. */
export const ImageUrl = Type.String({ maxLength: 500, pattern: '^(https?://|/)[^\\s]+$', examples: ['/files/42'] })

/** The answer to a deletion, without a body. */
export const Deleted = Type.Null({ description: 'Deleted.' })

import formbody from '@fastify/formbody'
import type { FastifyRequest } from 'fastify'
import { Invalid } from '../../errors.ts'
import type { App } from '../app.ts'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const maxFormFields = 200

/**
 * Registers parsers for JSON (checked UTF-8 only) and URL-encoded forms; every other content type is answered with 415.
 * A DELETE without a body may have any content type, as some clients always send one.
 */
export async function readBodies(app: App): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    refuseOtherCharsets(request)
    return body.length === 0 ? undefined : parseJson(decode(body))
  })
  await app.register(formbody, { parser: parseForm })
  app.addHook('preParsing', async (request, _reply, payload) => {
    const encoding = request.headers['content-encoding']
    if (encoding && encoding !== 'identity') {
      throw new Invalid('unsupported_encoding', 'Compressed request bodies are not accepted.', { status: 415 })
    }
    return payload
  })
}

function refuseOtherCharsets(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (charset && !/^utf-?8$/i.test(charset)) {
    throw new Invalid('unsupported_media_type', 'The only character set is UTF-8.', { status: 415 })
  }
}

function decode(body: Buffer): string {
  try {
    return strictUtf8.decode(body)
  } catch {
    throw new Invalid('bad_encoding', 'The body is not valid UTF-8.')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Invalid('invalid_json', 'The body is not valid JSON.')
  }
}

/** The fields of a URL-encoded form; a repeated name becomes a list. @throws Invalid for broken percent encoding. */
function parseForm(text: string): Record<string, unknown> {
  const fields = new Map<string, string | string[]>()
  if (text !== '') {
    const pairs = text.split('&', maxFormFields + 1)
    if (pairs.length > maxFormFields) throw new Invalid('validation', `A form has at most ${maxFormFields} fields.`)
    for (const pair of pairs) addField(fields, pair)
  }
  return Object.fromEntries(fields)
}

function addField(fields: Map<string, string | string[]>, pair: string): void {
  const [name = '', value = ''] = pair.split(/=(.*)/s, 2).map(decodePercents)
  const before = fields.get(name)
  if (before === undefined) fields.set(name, value)
  else fields.set(name, Array.isArray(before) ? [...before, value] : [before, value])
}

function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new Invalid('bad_encoding', 'The form is not valid percent-encoded UTF-8.')
  }
}

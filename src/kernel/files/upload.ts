import multipart from '@fastify/multipart'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { DomainError, Invalid } from '../errors.ts'
import type { App } from '../http/app.ts'
import { IMAGE_LIMITS } from './images.ts'

/** Declares routes that take one file as `multipart/form-data`; all other routes refuse that content type. */
export function acceptUploads(app: App, register: (app: App) => void): void {
  void app.register(async (scope) => {
    await scope.register(multipart, {
      limits: { fileSize: IMAGE_LIMITS.bytes, files: 1, fields: 10, fieldSize: 1000, fieldNameSize: 100, parts: 11 },
    })
    const inside = scope.withTypeProvider<TypeBoxTypeProvider>()
    inside.addHook('onRoute', (route) => {
      route.config = { ...route.config, takesFile: true }
    })
    register(inside)
  })
}

/**
 * The one file of a request, whatever the name of its field.
 * @throws Invalid `unsupported_media_type` (415), `file_missing`, `file_too_large` (413), `bad_upload`
 */
export async function uploadedFile(request: FastifyRequest): Promise<Buffer> {
  return (await uploadedNamedFile(request)).bytes
}

/**
 * The one file of a request with the name that the client gave it. The name is anything a client may send: it must not
 * become a path.
 * @throws Invalid like `uploadedFile`
 */
export async function uploadedNamedFile(
  request: FastifyRequest,
): Promise<{ readonly bytes: Buffer; readonly name: string }> {
  if (!request.isMultipart()) {
    throw new Invalid('unsupported_media_type', 'Send the file as multipart/form-data.', { status: 415 })
  }
  try {
    const part = await request.file()
    if (!part) throw new Invalid('file_missing', 'There is no file in the form.')
    const bytes = await part.toBuffer()
    if (bytes.length === 0) throw new Invalid('file_missing', 'The file is empty.')
    return { bytes, name: part.filename ?? '' }
  } catch (error) {
    throw understood(error)
  }
}

function understood(error: unknown): unknown {
  if (error instanceof DomainError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'FST_REQ_FILE_TOO_LARGE') {
    return new Invalid('file_too_large', 'The file is larger than 10 MB.', { status: 413 })
  }
  // busboy's errors about truncated forms, missing boundaries and too many parts have no codes.
  return new Invalid('bad_upload', 'The form is damaged, incomplete or has too many parts.')
}

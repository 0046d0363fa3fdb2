import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import type { Kernel } from '../kernel.ts'
import { openStored } from './service.ts'
import { newName } from './storage.ts'
import { type FileRow, insertFile } from './store.ts'

// Files made for one person (data copies, exports): a signed link opens them without log-in until it expires.

/**
 * Moves a local file into the storage for its owner alone; answers its id. It is swept later unless `useFile` is
 * called.
 */
export async function keepDownload(
  kernel: Kernel,
  path: string,
  about: {
    readonly mark: { readonly purpose: string; readonly subject: string }
    readonly ownerId: number
    readonly extension: string
    readonly contentType: string
  },
): Promise<number> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const at = kernel.clock.now()
  const name = newName(at, about.extension)
  const id = await insertFile(
    kernel.db,
    {
      ...about.mark,
      owner_id: about.ownerId,
      access: 'owner',
      name,
      thumbnail_name: null,
      content_type: about.contentType,
      bytes: (await stat(path)).size,
      width: null,
      height: null,
      sha256: hash.digest('hex'),
    },
    at,
  )
  await kernel.files.put(name, path, about.contentType)
  return id
}

/** A signed token for an id that is valid until a time, for one purpose. */
export function tokenUntil({ secrets }: Pick<Kernel, 'secrets'>, purpose: string, id: number, until: Date): string {
  return secrets.signer.sign(`${id} ${until.getTime()}`, purpose)
}

/** The id in a token; undefined if we did not sign it for this purpose, or it has expired. */
export function namedBy(
  { secrets, clock }: Pick<Kernel, 'secrets' | 'clock'>,
  purpose: string,
  token: string,
): number | undefined {
  const [id, until] = (secrets.signer.verify(token, purpose) ?? '').split(' ').map(Number)
  return id === undefined || until === undefined || until <= clock.now().getTime() ? undefined : id
}

/** Sets the headers of a download and opens its bytes. Caches must not store the answer. */
export async function openDownload(
  kernel: Kernel,
  reply: FastifyReply,
  file: FileRow,
  contentDisposition: string,
): Promise<Readable> {
  reply
    .type(file.content_type)
    .header('content-length', file.bytes)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .header('content-disposition', contentDisposition)
  return await openStored(kernel, file.name)
}

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

// Files that are made for one person, and that a link opens without logging in until its time is over: copies of one's data, exports.

/** Keeps a file of the local disk where all files are, for its owner alone; answers its id. Until somebody uses it, it is swept. */
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

/** A token that names something until a time, for one purpose. */
export function tokenUntil({ secrets }: Pick<Kernel, 'secrets'>, purpose: string, id: number, until: Date): string {
  return secrets.signer.sign(`${id} ${until.getTime()}`, purpose)
}

/** What a token names: undefined when it is not ours for this purpose, or its time is over. */
export function namedBy(
  { secrets, clock }: Pick<Kernel, 'secrets' | 'clock'>,
  purpose: string,
  token: string,
): number | undefined {
  const [id, until] = (secrets.signer.verify(token, purpose) ?? '').split(' ').map(Number)
  return id === undefined || until === undefined || until <= clock.now().getTime() ? undefined : id
}

/** The bytes of such a file, with what goes before them; nobody keeps a copy on the way. */
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

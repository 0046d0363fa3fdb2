import { isPdf, keepImage, keepPdf } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { ATTACHMENT, attachmentPath, harmlessName } from '../../core/attachments.ts'
import { CODES, refusal } from '../../sentences.ts'
import { countUnattached } from './store.ts'

/** Most files of a user that are attached to nothing yet. */
const MOST_UNATTACHED = 20

/**
 * Stores a picture or PDF file, by its content, for its owner alone. Files that are attached to nothing within an hour
 * are deleted.
 * @throws Invalid `not_an_image`, `image_damaged`, `image_too_large`, `too_many_uploads`; Unavailable `busy`.
 */
export async function keepUpload(
  kernel: Kernel,
  caller: Caller,
  { bytes, name }: { readonly bytes: Buffer; readonly name: string },
): Promise<{ readonly path: string; readonly name: string }> {
  const { userId: ownerId } = caller
  if ((await kernel.withRetries((db) => countUnattached(db, ownerId))) >= MOST_UNATTACHED)
    throw refusal(CODES.request, 'too_many_uploads', '未使用的上传文件过多，请一小时后再试')
  const mark = { purpose: ATTACHMENT, subject: `user:${ownerId}`, ownerId }
  const isDocument = isPdf(bytes)
  const fileId = isDocument
    ? await keepPdf(kernel, bytes, mark)
    : await keepImage(kernel, bytes, { ...mark, access: 'owner' })
  const shown = harmlessName(name, isDocument ? 'pdf' : extensionOf(bytes))
  return { path: attachmentPath(fileId, shown), name: shown }
}

/** The extension of a picture, by its first byte. */
function extensionOf(bytes: Buffer): string {
  if (bytes[0] === 0xff) return 'jpg'
  return bytes[0] === 0x89 ? 'png' : 'webp'
}

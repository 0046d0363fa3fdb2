import { keepImage } from '../../../kernel/files/service.ts'
import { type FileRow, useFile } from '../../../kernel/files/store.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { findUpload, nameOfUpload, purposeOf, type UploadCategory } from '../../core/uploadsStore.ts'
import { missing } from '../../refusals.ts'

/** An uploaded picture: its name, its path below the uploads, and the path at which it is served. */
export interface Upload {
  readonly filename: string
  readonly path: string
  readonly url: string
}

/**
 * Stores an uploaded picture, encoded anew; WebP as JPEG or PNG, because LINE shows no other formats. A template's picture is deleted after an hour unless a template shows it.
 * @throws Invalid `not_an_image`, `image_damaged`, `image_too_large`; Unavailable `busy`
 */
export async function keepUpload(
  kernel: Kernel,
  caller: Caller,
  { category, square, bytes }: { readonly category: UploadCategory; readonly square: boolean; readonly bytes: Buffer },
): Promise<Upload> {
  const mark = { purpose: purposeOf(category), subject: `crm:${category}` }
  const id = await keepImage(kernel, bytes, {
    ...mark,
    ownerId: caller.userId,
    access: 'public',
    square,
    withoutWebp: true,
  })
  // Nothing else refers to pictures of members.
  if (category === 'members') await kernel.transaction((tx) => useFile(tx, id, kernel.clock.now(), mark))
  const name = (await kernel.withRetries((db) => nameOfUpload(db, id))) ?? ''
  const path = `images/${category}/${name}`
  return { filename: name, path, url: `/static/uploads/${path}` }
}

/** @throws NotFound */
export async function getUpload(kernel: Kernel, category: UploadCategory, name: string): Promise<FileRow> {
  const found = await kernel.withRetries((db) => findUpload(db, category, name))
  if (!found) throw missing('picture')
  return found
}

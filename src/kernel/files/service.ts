import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { Transaction } from '../database/database.ts'
import { Invalid, NotFound } from '../errors.ts'
import type { Kernel } from '../kernel.ts'
import { prepareImage, resizeImage } from './images.ts'
import { FileMissing, newName } from './storage.ts'
import * as store from './store.ts'

/** Owner and access of a picture to be stored. */
export interface ImageOptions {
  /** `avatar`, `venue.image`. */
  readonly purpose: string
  /** The thing the picture belongs to: `user:5`. */
  readonly subject: string
  readonly ownerId: number
  readonly access: 'public' | 'owner'
  /** Crop the centre to 1:1. */
  readonly square?: boolean
  /** Store WebP pictures as JPEG or PNG, for readers that don't know WebP. */
  readonly withoutWebp?: boolean
}

/**
 * Stores an uploaded picture; answers its id. The caller's transaction must call `useFile`, otherwise the picture is
 * deleted after an hour.
 * @throws Invalid like `prepareImage`
 */
export async function keepImage(kernel: Kernel, upload: Buffer, options: ImageOptions): Promise<number> {
  const { square = false, withoutWebp = false } = options
  const image = await prepareImage(upload, { square, withoutWebp })
  const at = kernel.clock.now()
  const name = newName(at, image.extension)
  const thumbnailName = name.replace(/(\.\w+)$/, '_t$1')
  const id = await kernel.withRetries((db) =>
    store.insertFile(
      db,
      {
        purpose: options.purpose,
        subject: options.subject,
        owner_id: options.ownerId,
        access: options.access,
        name,
        thumbnail_name: thumbnailName,
        content_type: image.contentType,
        bytes: image.bytes.length,
        width: image.width,
        height: image.height,
        sha256: createHash('sha256').update(image.bytes).digest('hex'),
      },
      at,
    ),
  )
  await kernel.files.put(name, image.bytes, image.contentType)
  await kernel.files.put(thumbnailName, image.thumbnail, image.contentType)
  return id
}

/** Whether an upload is a PDF file, by its content: its header and its end. */
export function isPdf(upload: Buffer): boolean {
  return upload.toString('latin1', 0, 5) === '%PDF-' && upload.subarray(-1024).includes('%%EOF')
}

/**
 * Stores an uploaded PDF file for its owner; answers its id. The caller's transaction must call `useFile`, otherwise the
 * file is deleted after an hour.
 * @throws Invalid `not_a_pdf`
 */
export async function keepPdf(
  kernel: Kernel,
  upload: Buffer,
  { purpose, subject, ownerId }: Pick<ImageOptions, 'purpose' | 'subject' | 'ownerId'>,
): Promise<number> {
  if (!isPdf(upload)) throw new Invalid('not_a_pdf', 'The file is not a PDF file.')
  const at = kernel.clock.now()
  const name = newName(at, 'pdf')
  const file = { purpose, subject, owner_id: ownerId, access: 'owner' as const, name, content_type: 'application/pdf' }
  const sha256 = createHash('sha256').update(upload).digest('hex')
  const size = { thumbnail_name: null, bytes: upload.length, width: null, height: null }
  const id = await kernel.withRetries((db) => store.insertFile(db, { ...file, ...size, sha256 }, at))
  await kernel.files.put(name, upload, 'application/pdf')
  return id
}

/** The path at which a file is served. */
export function filePath(id: number): string {
  return `/api/v1/files/${id}`
}

/**
 * Sets the picture of `owner` to the one at `url` (a path of ours, another address, or none). If `url` is a path of
 * ours, that file is kept; the owner's other files are released.
 */
export async function showImageAt(
  tx: Transaction,
  owner: Pick<store.FileRow, 'subject' | 'purpose'>,
  url: string | null,
  at: Date,
): Promise<void> {
  const id = /^\/api(?:\/v1)?\/files\/(\d{1,15})(?:\?|$)/.exec(url ?? '')?.[1]
  const fileId = id === undefined ? null : Number(id)
  await store.releaseFiles(tx, owner, at, fileId)
  if (fileId !== null) await store.useFile(tx, fileId, at, owner)
}

/** A file, if the reader may see it. @throws NotFound if there is none, or it belongs to somebody else. */
export async function getFile(kernel: Kernel, id: number, readerId: number | undefined): Promise<store.FileRow> {
  const file = await kernel.withRetries((db) => store.findFile(db, id))
  if (!file || (file.access === 'owner' && file.owner_id !== readerId)) throw noSuchFile()
  return file
}

const noSuchFile = () => new NotFound('not_found', 'There is no such file.')

/**
 * Widths in which pictures are made besides their original one. Other widths are rounded up, so that nobody can request
 * thousands of variants.
 */
const WIDTHS = [160, 320, 480, 640, 800, 1200] as const
/** Most bytes of resized pictures that a process caches. */
const MOST_REMEMBERED = 32 * 1024 * 1024

const remembered = new Map<string, Buffer>()
const inTheMaking = new Map<string, Promise<Buffer>>()
let rememberedBytes = 0

/**
 * The width in which a picture is made for a requested width: the next larger of `WIDTHS`. Undefined if the original is
 * no wider.
 */
export function widthFor(file: store.FileRow, requested: number): number | undefined {
  if (file.width === null) return undefined
  const width = WIDTHS.find((one) => one >= requested) ?? 1200
  return width < file.width ? width : undefined
}

/** A picture in another width. Parallel requests for the same one share the work. @throws NotFound */
export async function imageInWidth(kernel: Kernel, file: store.FileRow, width: number): Promise<Buffer> {
  const key = `${file.sha256} ${width}`
  const known = remembered.get(key)
  if (known) {
    // A Map keeps the order of insertion: used entries move to the end.
    remembered.delete(key)
    remembered.set(key, known)
    return known
  }
  let making = inTheMaking.get(key)
  if (!making) {
    making = readAll(kernel, file.name)
      .then((bytes) => resizeImage(bytes, width))
      .finally(() => inTheMaking.delete(key))
    inTheMaking.set(key, making)
    remember(key, await making)
  }
  return await making
}

function remember(key: string, picture: Buffer): void {
  remembered.set(key, picture)
  rememberedBytes += picture.length
  for (const [oldest, { length }] of remembered) {
    if (rememberedBytes <= MOST_REMEMBERED) return
    remembered.delete(oldest)
    rememberedBytes -= length
  }
}

/** All bytes of a stored file. @throws NotFound */
export async function readAll(kernel: Kernel, name: string): Promise<Buffer> {
  return await buffer(await openStored(kernel, name))
}

/** The bytes of a stored file, or a range of them. @throws NotFound if they are gone. */
export async function openStored(
  kernel: Kernel,
  name: string,
  range?: { readonly start: number; readonly end: number },
) {
  try {
    return await kernel.files.read(name, range)
  } catch (error) {
    if (!(error instanceof FileMissing)) throw error
    kernel.log.error({ name }, 'a file has a row but no bytes')
    throw noSuchFile()
  }
}

const UNUSED_MS = 3_600_000
const SWEPT_AT_ONCE = 500

/** Deletes files that have been out of use for an hour: unfinished uploads and replaced files. */
export async function sweepFiles(kernel: Kernel): Promise<void> {
  const before = new Date(kernel.clock.now().getTime() - UNUSED_MS)
  for (const file of await store.unusedFiles(kernel.db, before, SWEPT_AT_ONCE)) {
    await kernel.files.remove(file.name)
    if (file.thumbnail_name !== null) await kernel.files.remove(file.thumbnail_name)
    await store.deleteFile(kernel.db, file.id)
  }
}

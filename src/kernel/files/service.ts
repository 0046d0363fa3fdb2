import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { Transaction } from '../database/database.ts'
import { NotFound } from '../errors.ts'
import type { Kernel } from '../kernel.ts'
import { prepareImage, resizeImage } from './images.ts'
import { FileMissing, newName } from './storage.ts'
import * as store from './store.ts'

/** Whose picture it is, and who may see it. */
export interface ImageWish {
  /** `avatar`, `venue.image`. */
  readonly purpose: string
  /** What it belongs to: `user:5`. */
  readonly subject: string
  readonly ownerId: number
  readonly access: 'public' | 'owner'
  /** Cut out the middle 1:1. */
  readonly square?: boolean
}

/**
 * Stores an uploaded picture; answers its id. Nothing shows it yet: the caller's transaction calls `useFile`, or it is swept after an hour.
 * @throws Invalid like `prepareImage`
 */
export async function keepImage(kernel: Kernel, upload: Buffer, wish: ImageWish): Promise<number> {
  const image = await prepareImage(upload, { square: wish.square ?? false })
  const at = kernel.clock.now()
  const name = newName(at, image.extension)
  const thumbnailName = name.replace(/(\.\w+)$/, '_t$1')
  const id = await kernel.withRetries((db) =>
    store.insertFile(
      db,
      {
        purpose: wish.purpose,
        subject: wish.subject,
        owner_id: wish.ownerId,
        access: wish.access,
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

/** The path under which a file is read. */
export function filePath(id: number): string {
  return `/api/v1/files/${id}`
}

/**
 * Something now shows the picture at `url` (its own path, another address, or none): of the files that belong to it, that one stays and
 * the others go.
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

/**
 * A file, for whoever may read it.
 * @throws NotFound when there is none, also for what is somebody else's.
 */
export async function getFile(kernel: Kernel, id: number, readerId: number | undefined): Promise<store.FileRow> {
  const file = await kernel.withRetries((db) => store.findFile(db, id))
  if (!file || (file.access === 'owner' && file.owner_id !== readerId)) throw noSuchFile()
  return file
}

const noSuchFile = () => new NotFound('not_found', 'There is no such file.')

/** Widths that pictures are made in besides their own; others are rounded up, so that nobody can ask for a thousand of them. */
const WIDTHS = [160, 320, 480, 640, 800, 1200] as const
/** Bytes of made pictures that a process remembers. */
const MOST_REMEMBERED = 32 * 1024 * 1024

const remembered = new Map<string, Buffer>()
const inTheMaking = new Map<string, Promise<Buffer>>()
let rememberedBytes = 0

/** The width in which a picture is made for a wish: the next of a few; undefined where its own is no wider. */
export function widthFor(file: store.FileRow, wished: number): number | undefined {
  if (file.width === null) return undefined
  const width = WIDTHS.find((one) => one >= wished) ?? 1200
  return width < file.width ? width : undefined
}

/** A picture in another width; made once, however many ask at the same time. @throws NotFound */
export async function imageInWidth(kernel: Kernel, file: store.FileRow, width: number): Promise<Buffer> {
  const key = `${file.sha256} ${width}`
  const known = remembered.get(key)
  if (known) {
    // A Map keeps the order of insertion: what is used goes to the end.
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

/** All bytes of a stored name. @throws NotFound */
export async function readAll(kernel: Kernel, name: string): Promise<Buffer> {
  return await buffer(await openStored(kernel, name))
}

/** The bytes of a stored name, or a part of them. @throws NotFound when they are gone. */
export async function openStored(
  kernel: Kernel,
  name: string,
  range?: { readonly start: number; readonly end: number },
) {
  try {
    return await kernel.files.read(name, range)
  } catch (error) {
    if (!(error instanceof FileMissing)) throw error
    kernel.log.error({ name }, 'a file has a row and no bytes')
    throw noSuchFile()
  }
}

const UNUSED_MS = 3_600_000
const SWEPT_AT_ONCE = 500

/** Deletes what nothing has shown for an hour: uploads that came to nothing, and what was replaced. */
export async function sweepFiles(kernel: Kernel): Promise<void> {
  const before = new Date(kernel.clock.now().getTime() - UNUSED_MS)
  for (const file of await store.unusedFiles(kernel.db, before, SWEPT_AT_ONCE)) {
    await kernel.files.remove(file.name)
    if (file.thumbnail_name !== null) await kernel.files.remove(file.thumbnail_name)
    await store.deleteFile(kernel.db, file.id)
  }
}

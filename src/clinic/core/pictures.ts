import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Transaction } from '../../kernel/database/database.ts'
import { NotFound } from '../../kernel/errors.ts'
import { imageInWidth, keepImage, openStored } from '../../kernel/files/service.ts'
import { type FileRow, findFile, releaseFiles, useFile } from '../../kernel/files/store.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { missing } from '../sentences.ts'

// Public pictures: the photos of doctors, and those of areas.

/** The thing that a picture shows. */
export interface Pictured {
  readonly kind: 'doctor' | 'area'
  readonly id: number
}

/** A picture in the API reference. */
export const Picture = {
  description: 'The picture.',
  content: { 'image/*': { schema: Type.String({ format: 'binary' }) } },
}

const markOf = ({ kind, id }: Pictured) => ({ purpose: `clinic.${kind}`, subject: `${kind}:${id}` })

/**
 * Stores an uploaded picture, and returns its file. It is swept unless `showPicture` is called.
 * @throws Invalid like `keepImage`.
 */
export async function keepPicture(kernel: Kernel, caller: Caller, of: Pictured, upload: Buffer): Promise<number> {
  return await keepImage(kernel, upload, { ...markOf(of), ownerId: caller.userId, access: 'public' })
}

/** Makes a file the only picture of a thing; null: it has none. */
export async function showPicture(tx: Transaction, of: Pictured, fileId: number | null, now: Date): Promise<void> {
  await releaseFiles(tx, markOf(of), now, fileId)
  if (fileId !== null) await useFile(tx, fileId, now, markOf(of))
}

/** The public path of a picture; null if there is none. */
export function picturePath({ kind, id }: Pictured, fileId: number | null): string | null {
  return fileId === null ? null : `/static/image/${kind}_${id}_${fileId}`
}

/** The file of a public path (`/static/image/doctor_1_2.jpg`) or of its last part. Undefined for every other text. */
export function pictureOf(path: string): { readonly kind: Pictured['kind']; readonly fileId: number } | undefined {
  const [, kind, id] = /^(?:\/?static\/image\/)?(doctor|area)_\d{1,15}_(\d{1,15})(?:\.\w{2,5})?$/.exec(path) ?? []
  if (id === undefined) return undefined
  return { kind: kind === 'area' ? 'area' : 'doctor', fileId: Number(id) }
}

/** The file of a picture. `what`: for the sentence. @throws Invalid 106 if there is none. */
export async function pictureFile(
  kernel: Kernel,
  kind: Pictured['kind'],
  fileId: number | null,
  what: string,
): Promise<FileRow> {
  const file = fileId === null ? undefined : await kernel.withRetries((db) => findFile(db, fileId))
  if (file?.purpose !== `clinic.${kind}`) throw missing(what)
  return file
}

/** Sends a picture. Its bytes never change under the same id. */
export async function sendPicture(kernel: Kernel, reply: FastifyReply, file: FileRow): Promise<FastifyReply> {
  reply
    .type(file.content_type)
    .header('content-length', file.bytes)
    .header('cache-control', 'public, max-age=86400')
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'cross-origin')
  return reply.send(await openStored(kernel, file.name))
}

/** Width of pictures inside JSON answers, in pixels. */
const INLINE_WIDTH = 480

/** A small form of a picture as base64 with its content type; null if there is none, or its bytes are gone. */
export async function inlinePicture(
  kernel: Kernel,
  kind: Pictured['kind'],
  fileId: number | null,
): Promise<{ readonly type: string; readonly data: string } | null> {
  if (fileId === null) return null
  const file = await kernel.withRetries((db) => findFile(db, fileId))
  if (file?.purpose !== `clinic.${kind}`) return null
  try {
    const bytes = await imageInWidth(kernel, file, INLINE_WIDTH)
    return { type: file.content_type, data: bytes.toString('base64') }
  } catch (error) {
    if (error instanceof NotFound) return null
    throw error
  }
}

import type { FastifyReply } from 'fastify'
import { originOf } from '../../../kernel/audit/origin.ts'
import { keepImage, openStored } from '../../../kernel/files/service.ts'
import { type FileRow, findFile, releaseFiles, useFile } from '../../../kernel/files/store.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { photoPath } from '../../core/people.ts'
import { missing } from '../../sentences.ts'
import { lockDoctor, updateDoctor } from './store.ts'

const PURPOSE = 'clinic.doctor'
const photoOf = (doctorId: number) => ({ purpose: PURPOSE, subject: `doctor:${doctorId}` })

/**
 * Replaces a doctor's photo; null removes it. Returns the new path and the old one.
 * @throws Invalid 106 for the doctor, and like `prepareImage`.
 */
export async function setPhoto(
  kernel: Kernel,
  caller: Caller,
  doctorId: number,
  upload: Buffer | null,
): Promise<{ readonly path: string | null; readonly before: string | null }> {
  const image = { ...photoOf(doctorId), ownerId: caller.userId, access: 'public' } as const
  const fileId = upload === null ? null : await keepImage(kernel, upload, image)
  const now = kernel.clock.now()
  const before = await kernel.transaction(async (tx) => {
    const doctor = await lockDoctor(tx, doctorId)
    if (!doctor) throw missing('医生')
    await releaseFiles(tx, photoOf(doctorId), now, fileId)
    if (fileId !== null) await useFile(tx, fileId, now, photoOf(doctorId))
    await updateDoctor(tx, doctorId, { photo_file_id: fileId, original_photo_url: null })
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.doctor.set_photo',
      resource: 'clinic_doctor',
      resourceId: doctorId,
    })
    return doctor.photoFileId
  })
  kernel.nudge()
  return { path: photoPath(doctorId, fileId), before: photoPath(doctorId, before) }
}

/** The file of a photo. @throws Invalid 106 if there is none. */
export async function photoFile(kernel: Kernel, fileId: number | null): Promise<FileRow> {
  const file = fileId === null ? undefined : await kernel.withRetries((db) => findFile(db, fileId))
  if (file?.purpose !== PURPOSE) throw missing('医生照片文件')
  return file
}

/** Sends a photo. Its bytes never change under the same id. */
export async function sendPhoto(kernel: Kernel, reply: FastifyReply, file: FileRow): Promise<FastifyReply> {
  reply
    .type(file.content_type)
    .header('content-length', file.bytes)
    .header('cache-control', 'public, max-age=86400')
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'cross-origin')
  return reply.send(await openStored(kernel, file.name))
}

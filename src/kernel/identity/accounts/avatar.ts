import { originOf } from '../../audit/origin.ts'
import { keepImage } from '../../files/service.ts'
import { releaseFiles, useFile } from '../../files/store.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { present } from './accounts.ts'
import * as store from './store.ts'
import type { User } from './users.ts'

/** Purpose and subject of the picture files of one person. */
const avatarOf = (userId: number) => ({ purpose: 'avatar', subject: `user:${userId}` })

/** Sets the caller's picture, cropped to 1:1, and releases the previous one. @throws Invalid like `prepareImage` */
export async function setAvatar(kernel: Kernel, caller: Caller, upload: Buffer): Promise<User> {
  const fileId = await keepImage(kernel, upload, {
    ...avatarOf(caller.userId),
    ownerId: caller.userId,
    access: 'public',
    square: true,
  })
  return await changeAvatar(kernel, caller, fileId)
}

/** Removes the caller's picture, if there is one. */
export async function removeAvatar(kernel: Kernel, caller: Caller): Promise<void> {
  await changeAvatar(kernel, caller, null)
}

async function changeAvatar(kernel: Kernel, caller: Caller, fileId: number | null): Promise<User> {
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    const before = present(await store.lockUser(tx, kernel.secrets.cipher, caller.userId))
    if (before.avatarFileId === fileId) return before
    await releaseFiles(tx, avatarOf(caller.userId), at, fileId)
    if (fileId !== null) await useFile(tx, fileId, at, avatarOf(caller.userId))
    await store.updateUser(tx, caller.userId, { avatar_file_id: fileId }, at)
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.update',
      resource: 'user',
      resourceId: caller.userId,
      changes: { avatar_file_id: [before.avatarFileId, fileId] },
    })
    return present(await store.findUser(tx, kernel.secrets.cipher, caller.userId))
  })
  kernel.nudge()
  return user
}

import { Type } from 'typebox'
import { acceptUploads, uploadedFile } from '../../kernel/files/upload.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { removeAvatar, setAvatar } from '../../kernel/identity/accounts/avatar.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { v1 } from '../paths.ts'
import { presentUser, UserAnswer } from './schemas.ts'

const tag = 'Users'

/** Routes for a person's profile picture. */
export function avatarRoutes(app: App, kernel: Kernel): void {
  acceptUploads(app, (uploads) =>
    route(uploads, {
      method: 'POST',
      paths: v1('/users/me/avatar'),
      operationId: 'setMyAvatar',
      permission: 'signed-in',
      summary: 'Set your own picture',
      description: 'Crops the middle to a square. `avatar_url` takes `?thumbnail` and `?image_width=`.',
      tag,
      schema: { response: { 200: UserAnswer } },
      handler: async (request) => {
        const user = await setAvatar(kernel, callerOf(request), await uploadedFile(request))
        return presentUser(user, 'shown')
      },
    }),
  )

  route(app, {
    method: 'DELETE',
    paths: v1('/users/me/avatar'),
    permission: 'signed-in',
    summary: 'Remove your own picture',
    tag,
    schema: { response: { 204: Type.Null({ description: 'Removed.' }) } },
    handler: (request) => removeAvatar(kernel, callerOf(request)),
  })
}

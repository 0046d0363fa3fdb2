import type { Database } from '../../../kernel/database/database.ts'

export async function insertCaptcha(
  db: Database,
  captcha: { readonly id: string; readonly code_hash: Buffer; readonly expires_at: Date },
): Promise<void> {
  await db.insertInto('captchas').values(captcha).execute()
}

/**
 * Deletes a picture and returns its hash, so that it can be tried once. Undefined if there is none or it has expired.
 */
export async function takeCaptcha(db: Database, id: string, now: Date): Promise<Buffer | undefined> {
  const taken = await db
    .deleteFrom('captchas')
    .where('id', '=', id)
    .returning(['code_hash', 'expires_at'])
    .executeTakeFirst()
  return taken && taken.expires_at > now ? taken.code_hash : undefined
}

/** Deletes expired pictures. */
export async function deleteOldCaptchas(db: Database, now: Date): Promise<void> {
  await db.deleteFrom('captchas').where('expires_at', '<=', now).execute()
}

import { randomInt, randomUUID, timingSafeEqual } from 'node:crypto'
import type { JobDefinition } from '../../../kernel/jobs/jobs.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { refusal } from '../../sentences.ts'
import { roomSettings } from '../../settings.ts'
import { ALPHABET, drawLetters } from './picture.ts'
import * as store from './store.ts'

const LETTERS = 4
/** Minutes for which a picture is valid. */
const MINUTES = 2
const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The letters that a person typed, and the picture's id. */
export interface Reading {
  readonly code?: string | null | undefined
  readonly uuid?: string | null | undefined
}

/** A new picture with four letters, a GIF in base64. It can be tried once within two minutes, at any process. */
export async function showCaptcha(kernel: Kernel): Promise<{ readonly uuid: string; readonly img: string }> {
  const letters = Array.from({ length: LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const picture = await drawLetters(letters)
  const uuid = randomUUID()
  const expiresAt = new Date(kernel.clock.now().getTime() + MINUTES * 60_000)
  await kernel.withRetries((db) =>
    store.insertCaptcha(db, { id: uuid, code_hash: hashOf(kernel, uuid, letters), expires_at: expiresAt }),
  )
  return { uuid, img: picture.toString('base64') }
}

/**
 * Checks the letters of a picture; does nothing if ROOM_CAPTCHA is off.
 * @throws Invalid `captcha_expired` for a picture that is unknown, too old or already tried; `captcha_wrong`.
 */
export async function checkCaptcha(kernel: Kernel, { code, uuid }: Reading): Promise<void> {
  if (!roomSettings.of(kernel.config).captcha) return
  const id = uuid && uuidForm.test(uuid) ? uuid : undefined
  const expected = id && (await kernel.withRetries((db) => store.takeCaptcha(db, id, kernel.clock.now())))
  if (!expected) throw refusal('captcha_expired', '验证码已失效')
  if (!timingSafeEqual(expected, hashOf(kernel, id, code ?? ''))) throw refusal('captcha_wrong', '验证码错误')
}

function hashOf({ secrets }: Kernel, uuid: string, letters: string): Buffer {
  return secrets.keyedHash('room captcha', `${uuid} ${letters.toUpperCase()}`)
}

export const captchaJob: JobDefinition = {
  name: 'room.captchas',
  cron: '*/10 * * * *',
  run: ({ db, clock }) => store.deleteOldCaptchas(db, clock.now()),
}

import sharp from 'sharp'
import type { Answer, Person, World } from './world.ts'

/** A JPEG picture of one colour. */
export async function picture(width: number, height: number): Promise<Buffer> {
  const create = { width, height, channels: 3, background: '#cc2222' } as const
  return await sharp({ create }).jpeg().toBuffer()
}

/** Sends a form with one file. */
export async function upload(
  world: World,
  path: string,
  as: Person | undefined,
  bytes: Buffer,
  { name = 'a.jpg', field = 'file' } = {},
): Promise<Answer> {
  const form = new FormData()
  form.append(field, new Blob([new Uint8Array(bytes)]), name)
  const encoded = new Response(form)
  return await world.call('POST', path, {
    ...(as && { as }),
    headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
    payload: Buffer.from(await encoded.arrayBuffer()),
  })
}

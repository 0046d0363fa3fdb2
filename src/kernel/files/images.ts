import type { Sharp } from 'sharp'
import { Invalid, Unavailable } from '../errors.ts'

/** Limits of uploaded pictures. */
export const IMAGE_LIMITS = { bytes: 10 * 1024 * 1024, pixels: 50_000_000 } as const
/** Longest side of stored pictures, in pixels. */
const LONGEST_SIDE = 1200
/** Width of thumbnails, in pixels. */
const THUMBNAIL_WIDTH = 800
const QUALITY = 80
/** Decoding that takes longer is probably an attack. */
const SECONDS = 15

const formats = {
  jpeg: { extension: 'jpg', contentType: 'image/jpeg' },
  png: { extension: 'png', contentType: 'image/png' },
  webp: { extension: 'webp', contentType: 'image/webp' },
} as const
type Format = keyof typeof formats

/** A picture ready to be stored: encoded anew, upright, without metadata. */
export interface StoredImage {
  readonly extension: string
  readonly contentType: string
  readonly width: number
  readonly height: number
  readonly bytes: Buffer
  readonly thumbnail: Buffer
}

/**
 * Loads libvips at the first picture, because it takes 16 MB of memory. Only the three formats are enabled, although it
 * could read more.
 */
async function loadSharp() {
  const { default: sharp } = await import('sharp')
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'] })
  sharp.cache(false)
  return sharp
}

let loaded: ReturnType<typeof loadSharp> | undefined

function sharpOnce() {
  loaded ??= loadSharp()
  return loaded
}

/**
 * Checks an uploaded picture by its content and prepares it for storage. With `square` the centre is cropped to 1:1. With
 * `withoutWebp` a WebP picture becomes a JPEG, or a PNG if it has transparent parts.
 * @throws Unavailable `busy` if too many pictures are waiting; Invalid `not_an_image` (400), `image_damaged` (400),
 * `image_too_large` (413) beyond 50 megapixels.
 */
export async function prepareImage(upload: Buffer, { square = false, withoutWebp = false } = {}): Promise<StoredImage> {
  return await inTurn(() => prepare(upload, square, withoutWebp))
}

async function prepare(upload: Buffer, square: boolean, withoutWebp: boolean): Promise<StoredImage> {
  const given = formatOf(upload)
  if (!given) throw notAnImage()
  const { hasAlpha } = await checkHeader(upload, given)
  const format = given === 'webp' && withoutWebp ? (hasAlpha ? 'png' : 'jpeg') : given
  const { extension, contentType } = formats[format]
  const upright = (await open(upload)).autoOrient()
  const fitting = square
    ? upright.resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'cover', position: 'centre' })
    : upright.resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'inside', withoutEnlargement: true })
  try {
    const { data: bytes, info } = await encoded(square ? await shrunkSquare(upload, fitting) : fitting, format)
    const thumbnail = await resizeImage(bytes, THUMBNAIL_WIDTH)
    return { extension, contentType, width: info.width, height: info.height, bytes, thumbnail }
  } catch (error) {
    throw refusal(error)
  }
}

/** Number of pictures that a process decodes at once: 50 megapixels take 150 MB and more. */
const AT_ONCE = 2
const MOST_WAITING = 50
const waiting: (() => void)[] = []
let working = 0

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= MOST_WAITING) {
    throw new Unavailable('busy', 'Too many pictures are being processed. Try again soon.', { retryAfter: 10 })
  }
  if (working >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else working += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    // The slot goes to the next in line, so that no newcomer can take it.
    if (next) next()
    else working -= 1
  }
}

/** Crops to a square as large as the shorter side allows, at most `LONGEST_SIDE`. */
async function shrunkSquare(upload: Buffer, fallback: Sharp): Promise<Sharp> {
  const { width = 0, height = 0 } = await (await open(upload)).metadata()
  const side = Math.min(width, height, LONGEST_SIDE)
  if (side === LONGEST_SIDE) return fallback
  return (await open(upload)).autoOrient().resize(side, side, { fit: 'cover', position: 'centre' })
}

/** A stored picture, no wider than `width` pixels. */
export async function resizeImage(image: Buffer, width: number): Promise<Buffer> {
  const format = formatOf(image)
  if (!format) throw new Error('a stored picture is not a picture')
  const { data } = await encoded((await open(image)).resize(width, undefined, { withoutEnlargement: true }), format)
  return data
}

/** The format of a picture, by its first bytes. */
function formatOf(bytes: Buffer): Format | undefined {
  if (bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg'
  if (bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))) return 'png'
  if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') return 'webp'
  return undefined
}

async function open(bytes: Buffer): Promise<Sharp> {
  const sharp = await sharpOnce()
  // Truncated files are refused; only the first frame of an animation is read.
  return sharp(bytes, { limitInputPixels: IMAGE_LIMITS.pixels, failOn: 'truncated', pages: 1 }).timeout({
    seconds: SECONDS,
  })
}

async function checkHeader(upload: Buffer, format: Format): Promise<{ readonly hasAlpha: boolean }> {
  // Only reads the header, so that nothing is decoded before its size is known.
  const sharp = await sharpOnce()
  const metadata = await sharp(upload, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw refusal(error)
    })
  if (metadata.format !== format) throw notAnImage()
  if (metadata.width * metadata.height > IMAGE_LIMITS.pixels) throw tooLarge()
  return { hasAlpha: metadata.hasAlpha }
}

async function encoded(image: Sharp, format: Format) {
  const written = {
    jpeg: () => image.flatten({ background: '#ffffff' }).jpeg({ quality: QUALITY, mozjpeg: true }),
    png: () => image.png({ quality: QUALITY, compressionLevel: 9 }),
    webp: () => image.webp({ quality: QUALITY }),
  }
  return await written[format]().toBuffer({ resolveWithObject: true })
}

function refusal(error: unknown): Invalid {
  if (error instanceof Invalid) return error
  const message = error instanceof Error ? error.message : ''
  if (/pixel limit|too large|exceeds/i.test(message)) return tooLarge()
  return new Invalid('image_damaged', 'The picture is damaged or incomplete.')
}

function tooLarge(): Invalid {
  return new Invalid('image_too_large', 'The picture has more than 50 megapixels.', { status: 413 })
}

function notAnImage(): Invalid {
  return new Invalid('not_an_image', 'The file is not a JPEG, PNG or WebP picture.')
}

import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { prepareImage, resizeImage } from './images.ts'

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 30 } } })

const codeOf = (bytes: Buffer) =>
  prepareImage(bytes).then(
    () => 'taken',
    (error: { code?: string; status?: number }) => `${error.status} ${error.code}`,
  )

/** A PNG whose header gives other dimensions than its data. */
function claiming(png: Buffer, width: number, height: number): Buffer {
  const lying = Buffer.from(png)
  lying.writeUInt32BE(width, 16)
  lying.writeUInt32BE(height, 20)
  lying.writeUInt32BE(crc32(lying.subarray(12, 29)), 29)
  return lying
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

describe('A picture', () => {
  it('is recognized as JPEG, PNG or WebP by its content, and keeps its format', async () => {
    const jpeg = await prepareImage(await picture(300, 200).jpeg().toBuffer())
    const png = await prepareImage(await picture(300, 200).png().toBuffer())
    const webp = await prepareImage(await picture(300, 200).webp().toBuffer())
    expect([jpeg, png, webp].map(({ contentType, extension }) => [contentType, extension])).toEqual([
      ['image/jpeg', 'jpg'],
      ['image/png', 'png'],
      ['image/webp', 'webp'],
    ])
    for (const { bytes, contentType } of [jpeg, png, webp]) {
      expect(`image/${(await sharp(bytes).metadata()).format}`).toBe(contentType)
    }
  })

  it('is at most 1200 pixels on its longest side, its thumbnail 800 wide; small ones are not enlarged', async () => {
    const large = await prepareImage(await picture(2000, 3000).jpeg().toBuffer())
    expect([large.width, large.height]).toEqual([800, 1200])
    const wide = await prepareImage(await picture(3000, 1000).jpeg().toBuffer())
    expect([wide.width, wide.height]).toEqual([1200, 400])
    expect((await sharp(wide.thumbnail).metadata()).width).toBe(800)
    const small = await prepareImage(await picture(40, 30).png().toBuffer())
    expect([small.width, small.height, (await sharp(small.thumbnail).metadata()).width]).toEqual([40, 30, 40])
  })

  it('is cropped to a square from its middle when asked, at most 1200 pixels wide', async () => {
    for (const [width, height, side] of [
      [3000, 2000, 1200],
      [300, 100, 100],
      [50, 900, 50],
    ] as const) {
      const { width: w, height: h } = await prepareImage(await picture(width, height).jpeg().toBuffer(), {
        square: true,
      })
      expect([w, h]).toEqual([side, side])
    }
    const left = await picture(100, 100).toColourspace('srgb').png().toBuffer()
    const striped = await sharp({ create: { width: 300, height: 100, channels: 3, background: '#0000ff' } })
      .composite([{ input: left, left: 100, top: 0 }])
      .png()
      .toBuffer()
    const { bytes } = await prepareImage(striped, { square: true })
    const { dominant } = await sharp(bytes).stats()
    expect(dominant.r).toBeGreaterThan(150)
  })

  it('loses its metadata and stands upright', async () => {
    const bytes = await picture(300, 200)
      .withMetadata({ orientation: 6 })
      .withExif({ IFD0: { Artist: 'somebody' }, IFD3: { GPSLatitude: '31/1 13/1 0/1' } })
      .jpeg()
      .toBuffer()
    expect((await sharp(bytes).metadata()).exif?.toString('latin1')).toContain('somebody')
    const kept = await prepareImage(bytes)
    const metadata = await sharp(kept.bytes).metadata()
    expect([metadata.width, metadata.height]).toEqual([200, 300])
    expect([metadata.exif, metadata.orientation, metadata.xmp, metadata.iptc]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('keeps only the first frame of an animation', async () => {
    const frames = await sharp(
      [await picture(20, 20).png().toBuffer(), await picture(20, 20).negate().png().toBuffer()],
      {
        join: { animated: true },
      },
    )
      .webp({ delay: [100, 100] })
      .toBuffer()
    expect((await sharp(frames).metadata()).pages).toBe(2)
    const { bytes } = await prepareImage(frames)
    expect((await sharp(bytes).metadata()).pages ?? 1).toBe(1)
  })

  it('waits in a bounded queue when many arrive at once', async () => {
    const bytes = await picture(60, 40).jpeg().toBuffer()
    const codes = await Promise.all(Array.from({ length: 60 }, () => codeOf(bytes)))
    expect(codes.filter((code) => code === 'taken')).toHaveLength(52)
    expect(codes.filter((code) => code === '503 busy')).toHaveLength(8)
    expect(await codeOf(bytes)).toBe('taken')
  })

  it('can be made smaller again', async () => {
    const { bytes } = await prepareImage(await picture(1000, 500).webp().toBuffer())
    expect((await sharp(await resizeImage(bytes, 320)).metadata()).width).toBe(320)
  })
})

describe('A file that is not a picture', () => {
  it('is refused under any name: text, SVG, GIF, zip, PDF, HTML with the first bytes of a PNG', async () => {
    const gif = await picture(10, 10).gif().toBuffer()
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    )
    for (const bytes of [
      Buffer.from('hello'),
      svg,
      gif,
      Buffer.from('PK\u0003\u0004'),
      Buffer.from('%PDF-1.7'),
      Buffer.alloc(0),
    ]) {
      expect(await codeOf(bytes)).toBe('400 not_an_image')
    }
    const html = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('<script>alert(1)</script>')])
    expect(await codeOf(html)).toMatch(/^400 (image_damaged|not_an_image)$/)
  })

  it('is refused when it is cut off or garbled', async () => {
    const noise = {
      create: {
        width: 400,
        height: 400,
        channels: 3,
        background: '#fff',
        noise: { type: 'gaussian', mean: 128, sigma: 50 },
      },
    } as const
    for (const bytes of [
      await sharp(noise).jpeg().toBuffer(),
      await sharp(noise).png().toBuffer(),
      await sharp(noise).webp().toBuffer(),
    ]) {
      expect(await codeOf(bytes.subarray(0, bytes.length / 2))).toBe('400 image_damaged')
      expect(await codeOf(bytes.subarray(0, 20))).toMatch(/^400 (image_damaged|not_an_image)$/)
    }
  })

  it('is refused before it is unpacked when it has more than 50 megapixels', async () => {
    const bomb = await picture(10_001, 5_000).png({ compressionLevel: 9 }).toBuffer()
    expect(bomb.length).toBeLessThan(1_000_000)
    expect(await codeOf(bomb)).toBe('413 image_too_large')
    const small = await picture(8, 8).png().toBuffer()
    expect(await codeOf(claiming(small, 60_000, 60_000))).toBe('413 image_too_large')
    expect(await codeOf(claiming(small, 4_000_000_000, 4_000_000_000))).toMatch(/^4(00|13) image_/)
    expect(await codeOf(claiming(small, 5_000, 5_000))).toBe('400 image_damaged')
  })

  it('is refused when a small file unpacks into more than its header says', async () => {
    const png = await picture(8, 8).png().toBuffer()
    const at = png.indexOf('IDAT') - 4
    const data = deflateSync(Buffer.alloc(50_000_000))
    const chunk = Buffer.concat([Buffer.from('IDAT'), data])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(chunk))
    const stuffed = Buffer.concat([png.subarray(0, at), length, chunk, sum, png.subarray(at)])
    expect(await codeOf(stuffed)).toMatch(/^(taken|400 image_damaged)$/)
  })
})

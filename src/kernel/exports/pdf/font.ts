import { readFile } from 'node:fs/promises'

/**
 * Noto Sans SC (SIL Open Font License 1.1): all of GBK, Latin, Greek, Cyrillic and kana. It has 10 MB, so it is only
 * read when a PDF is made.
 */
const FONT = new URL('../../../../assets/fonts/NotoSansSC-Regular.ttf', import.meta.url)

/** The font's bytes while they are in use, shared by PDFs made at the same time. */
let shared: WeakRef<Buffer> | undefined

async function fontFile(): Promise<Buffer> {
  const before = shared?.deref()
  if (before) return before
  const bytes = await readFile(FONT)
  shared = new WeakRef(bytes)
  return bytes
}

/** Shown in place of characters that the font does not have. */
const UNKNOWN = 0x25a1

/** A character as its code in texts of the file, and its width in thousandths of the font size. */
export interface Glyph {
  readonly code: string
  readonly width: number
}

/** The font of one file, with the glyphs used so far. */
export interface PrintFont {
  readonly name: string
  /** Ascent, descent and box are in thousandths of the font size, like the widths of glyphs. */
  readonly ascent: number
  readonly descent: number
  readonly box: readonly number[]
  glyphOf(codePoint: number): Glyph
  /** The subset of the used glyphs, ready to be embedded. */
  finish(): PrintFontParts
}

export interface PrintFontParts {
  /** A TrueType font with the glyphs that were used. */
  readonly program: Uint8Array
  /** Two bytes for each character number, from 0 on: its glyph in `program`. */
  readonly glyphs: Uint8Array
  /** Widths of the characters, from number 1 on. */
  readonly widths: readonly number[]
  /** Code points of the characters, from number 1 on. */
  readonly codePoints: readonly number[]
}

/**
 * Opens the font for one file. Characters get numbers in the order of their first use, independent of the font's
 * glyphs, so that each can be copied out of the file unchanged.
 */
export async function openFont(): Promise<PrintFont> {
  const { create } = await import('fontkit')
  const font = create(await fontFile())
  if (!('createSubset' in font)) throw new Error('the font file is a collection')
  const scale = 1000 / font.unitsPerEm
  const subset = font.createSubset()
  const known = new Map<number, Glyph>()
  const widths: number[] = []
  const codePoints: number[] = []
  const places: number[] = [0]

  return {
    name: 'YUYUEA+NotoSansSC-Regular',
    ascent: Math.round(font.ascent * scale),
    descent: Math.round(font.descent * scale),
    box: [font.bbox.minX, font.bbox.minY, font.bbox.maxX, font.bbox.maxY].map((edge) => Math.round(edge * scale)),
    glyphOf(codePoint) {
      const before = known.get(codePoint)
      if (before) return before
      const drawn = font.glyphForCodePoint(font.hasGlyphForCodePoint(codePoint) ? codePoint : UNKNOWN)
      const width = Math.round(drawn.advanceWidth * scale)
      // The glyph's place in the subset; the library's types are wrong here.
      places.push(Number(subset.includeGlyph(drawn)))
      widths.push(width)
      const glyph = { code: hex(codePoints.push(codePoint)), width }
      known.set(codePoint, glyph)
      return glyph
    },
    finish() {
      const glyphs = Buffer.alloc(places.length * 2)
      for (const [index, place] of places.entries()) glyphs.writeUInt16BE(place, index * 2)
      return { program: subset.encode(), glyphs, widths, codePoints }
    },
  }
}

/** A character's number in the form that the file uses. */
export function hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}

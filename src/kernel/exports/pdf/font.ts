import { readFile } from 'node:fs/promises'

/** Noto Sans SC (SIL Open Font License 1.1): all of GBK, Latin, Greek, Cyrillic and kana. 10 MB, so it is read when a PDF is made and not before. */
const FONT = new URL('../../../../assets/fonts/NotoSansSC-Regular.ttf', import.meta.url)

/** The font's bytes, while somebody has them: several PDFs at a time share them. */
let shared: WeakRef<Buffer> | undefined

async function fontFile(): Promise<Buffer> {
  const before = shared?.deref()
  if (before) return before
  const bytes = await readFile(FONT)
  shared = new WeakRef(bytes)
  return bytes
}

/** What is shown for a character that the font has not. */
const UNKNOWN = 0x25a1

/** A character as texts of the file name it, and how far it reaches, in thousandths of the font's size. */
export interface Glyph {
  readonly code: string
  readonly width: number
}

/** The font of one file, with what was written in it so far. */
export interface PrintFont {
  readonly name: string
  /** In thousandths of the font's size, as those of glyphs. */
  readonly ascent: number
  readonly descent: number
  readonly box: readonly number[]
  glyphOf(codePoint: number): Glyph
  /** What was written, ready to be embedded: only those glyphs. */
  finish(): PrintFontParts
}

export interface PrintFontParts {
  /** A TrueType font with the glyphs that were used. */
  readonly program: Uint8Array
  /** Two bytes for each character of the file, from 0 on: its glyph in `program`. */
  readonly glyphs: Uint8Array
  /** Of each character from 1 on. */
  readonly widths: readonly number[]
  /** The characters from 1 on. */
  readonly codePoints: readonly number[]
}

/**
 * Opens the font for one file. Characters get numbers of their own in the order they come, apart from the font's, so that each can be copied
 * out of the file again as what it was.
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
      // Its place in the subset: the library's types have it wrong.
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

/** A character's number as the file writes it. */
export function hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}

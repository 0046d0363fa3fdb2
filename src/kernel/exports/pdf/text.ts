import { localDate, localTime } from '../../time.ts'
import { type Cell, digits } from '../rows.ts'
import type { PrintFont } from './font.ts'

/** A piece of text on one line: as glyph codes of the file, with its width in points. */
export interface Line {
  readonly text: string
  readonly width: number
}

/** Characters without a glyph, except line ends and tabs. */
const shapeless = /[\p{Cf}\p{Variation_Selector}]|(?![\n\t])\p{Cc}/gu

/** The text of a cell. Instants are local time in the zone. */
export function printed(cell: Cell, zone: string): string {
  if (cell === null) return ''
  if (cell instanceof Date) return `${localDate(cell, zone)} ${localTime(cell, zone)}:${seconds(cell)}`
  if (typeof cell === 'number') return digits(cell)
  if (typeof cell === 'boolean') return cell ? '是' : '否'
  return cell.toWellFormed().replaceAll('\r\n', '\n').replace(shapeless, '').replaceAll('\t', ' ')
}

const seconds = (instant: Date) => String(instant.getUTCSeconds()).padStart(2, '0')

/** Width of a text on one line, in points. */
export function widthOf(font: PrintFont, size: number, text: string): number {
  let width = 0
  for (const character of text) width += font.glyphOf(character.codePointAt(0) ?? 0).width
  return (width * size) / 1000
}

/** From this code point on, each character is a word of its own: ideographs, kana, full-width forms. */
const WIDE = 0x2e80
/** Characters that must not begin a line. */
const CLINGING = new Set([...'，。、；：！？）》」』】”’…％,.;:!?)]}%'])
/** Characters after which a long word may be broken. */
const HYPHENS = new Set([...' -_/\\,;|&?=@'])

/**
 * Breaks a text into lines of at most `width` points: between words, after ideographs, and inside a word if there is no
 * other way.
 */
export function linesOf(font: PrintFont, size: number, text: string, width: number): readonly Line[] {
  const lines: Line[] = []
  for (const paragraph of text.split('\n')) breakUp(font, paragraph, (width * 1000) / size, lines, size)
  return lines
}

function breakUp(font: PrintFont, paragraph: string, most: number, lines: Line[], size: number): void {
  let line = ''
  let width = 0
  // Latest possible end of the line, and the width up to it.
  let end = 0
  let endWidth = 0
  const push = (length: number, its: number) => {
    lines.push({ text: line.slice(0, length), width: (its * size) / 1000 })
    line = line.slice(length)
    width -= its
    end = 0
    endWidth = 0
  }
  let before = ''
  for (const character of paragraph) {
    const codePoint = character.codePointAt(0) ?? 0
    const glyph = font.glyphOf(codePoint)
    const breakable = HYPHENS.has(before) || codePoint >= WIDE || (before.codePointAt(0) ?? 0) >= WIDE
    if (line !== '' && breakable && !CLINGING.has(character) && character !== ' ') {
      end = line.length
      endWidth = width
    }
    if (line !== '' && width + glyph.width > most && character !== ' ') {
      if (end > 0) push(end, endWidth)
      if (line !== '' && width + glyph.width > most) push(line.length, width)
    }
    line += glyph.code
    width += glyph.width
    before = character
  }
  push(line.length, width)
}

import { localDate, localTime } from '../../time.ts'
import { type Cell, digits } from '../rows.ts'
import type { PrintFont } from './font.ts'

/** A piece of text on one line: as the file writes it, and how wide it is, in points. */
export interface Line {
  readonly text: string
  readonly width: number
}

/** What has no shape of its own, line ends apart. */
const shapeless = /[\p{Cf}\p{Variation_Selector}]|(?![\n\t])\p{Cc}/gu

/** A cell as it is printed. Instants are the wall clock of the zone. */
export function printed(cell: Cell, zone: string): string {
  if (cell === null) return ''
  if (cell instanceof Date) return `${localDate(cell, zone)} ${localTime(cell, zone)}:${seconds(cell)}`
  if (typeof cell === 'number') return digits(cell)
  if (typeof cell === 'boolean') return cell ? '是' : '否'
  return cell.toWellFormed().replaceAll('\r\n', '\n').replace(shapeless, '').replaceAll('\t', ' ')
}

const seconds = (instant: Date) => String(instant.getUTCSeconds()).padStart(2, '0')

/** How wide a text is on one line, in points. */
export function widthOf(font: PrintFont, size: number, text: string): number {
  let width = 0
  for (const character of text) width += font.glyphOf(character.codePointAt(0) ?? 0).width
  return (width * size) / 1000
}

/** Characters of which each is a word of its own: ideographs, kana, full-width forms. */
const WIDE = 0x2e80
/** No line begins with these. */
const CLINGING = new Set([...'，。、；：！？）》」』】”’…％,.;:!?)]}%'])
/** After these a long word may go on in the next line. */
const HYPHENS = new Set([...' -_/\\,;|&?=@'])

/** Breaks a text into lines that are no wider than so many points: between words, after ideographs, and where nothing else helps anywhere. */
export function linesOf(font: PrintFont, size: number, text: string, width: number): readonly Line[] {
  const lines: Line[] = []
  for (const paragraph of text.split('\n')) breakUp(font, paragraph, (width * 1000) / size, lines, size)
  return lines
}

function breakUp(font: PrintFont, paragraph: string, most: number, lines: Line[], size: number): void {
  let line = ''
  let width = 0
  // Where the line may end, and how wide it is up to there.
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

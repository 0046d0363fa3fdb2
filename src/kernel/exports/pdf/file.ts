import { deflateSync } from 'node:zlib'
import { hex, type PrintFont } from './font.ts'

/** Writes the objects of a PDF (ISO 32000-1) one after the other and remembers the offset of each. */
export interface PdfFile {
  /** The header before all objects. */
  start(): Buffer
  /** Reserves the number of an object that is written later. */
  reserve(): number
  /** Writes an object: the members of its dictionary, and the bytes of its stream if it has one. */
  object(number: number, members: string, stream?: Uint8Array | string): Buffer
  /** The cross-reference table and trailer after all objects. */
  end(catalogue: number, information: number): Buffer
}

export function createPdfFile(): PdfFile {
  const places: number[] = []
  let written = 0
  const counted = (part: Buffer) => {
    written += part.length
    return part
  }
  return {
    // Bytes above 127 mark the file as binary for programs that transfer it.
    start: () => counted(Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')),
    reserve: () => places.push(0),
    object(number, members, stream) {
      // Compressed synchronously: a page takes a millisecond, and each thread would need memory of its own.
      const packed = stream === undefined ? undefined : deflateSync(stream, { level: 3 })
      places[number - 1] = written
      if (!packed) return counted(Buffer.from(`${number} 0 obj\n<< ${members} >>\nendobj\n`, 'latin1'))
      const head = `${number} 0 obj\n<< ${members} /Filter /FlateDecode /Length ${packed.length} >>\nstream\n`
      return counted(Buffer.concat([Buffer.from(head, 'latin1'), packed, Buffer.from('\nendstream\nendobj\n')]))
    },
    end(catalogue, information) {
      const lines = places.map((place) => `${place.toFixed(0).padStart(10, '0')} 00000 n \n`)
      const trailer = `<< /Size ${places.length + 1} /Root ${catalogue} 0 R /Info ${information} 0 R >>`
      return Buffer.from(
        `xref\n0 ${places.length + 1}\n0000000000 65535 f \n${lines.join('')}` +
          `trailer\n${trailer}\nstartxref\n${written}\n%%EOF\n`,
      )
    },
  }
}

/** A text string outside of page content, such as the title. */
export function textString(text: string): string {
  return `<FEFF${Buffer.from(text.toWellFormed(), 'utf16le').swap16().toString('hex')}>`
}

/** Writes the objects of an embedded font; pages refer to it by `number`. */
export function* fontObjects(file: PdfFile, number: number, font: PrintFont): Generator<Buffer> {
  const { program, glyphs, widths, codePoints } = font.finish()
  const [descendant, descriptor, data, map, unicode] = [1, 2, 3, 4, 5].map(() => file.reserve())
  const named = `/BaseFont /${font.name}`
  yield file.object(
    number,
    `/Type /Font /Subtype /Type0 ${named} /Encoding /Identity-H ` +
      `/DescendantFonts [${descendant} 0 R] /ToUnicode ${unicode} 0 R`,
  )
  yield file.object(
    descendant ?? 0,
    `/Type /Font /Subtype /CIDFontType2 ${named} ` +
      '/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> ' +
      `/FontDescriptor ${descriptor} 0 R /CIDToGIDMap ${map} 0 R /DW 1000 /W [1 [${widths.join(' ')}]]`,
  )
  yield file.object(
    descriptor ?? 0,
    `/Type /FontDescriptor /FontName /${font.name} /Flags 4 /FontBBox [${font.box.join(' ')}] /ItalicAngle 0 ` +
      `/Ascent ${font.ascent} /Descent ${font.descent} /CapHeight ${font.ascent} /StemV 80 /FontFile2 ${data} 0 R`,
  )
  yield file.object(data ?? 0, `/Length1 ${program.length}`, program)
  yield file.object(map ?? 0, '', glyphs)
  yield file.object(unicode ?? 0, '', unicodeMap(codePoints))
}

/** Most lines of a section of a ToUnicode CMap. */
const SECTION = 100

/** The ToUnicode CMap: maps character numbers to Unicode, so that text can be searched and copied. */
function unicodeMap(codePoints: readonly number[]): string {
  const lines = codePoints.map((codePoint, index) => {
    const units = Buffer.from(String.fromCodePoint(codePoint), 'utf16le').swap16().toString('hex')
    return `<${hex(index + 1)}> <${units}>`
  })
  const sections: string[] = []
  for (let at = 0; at < lines.length; at += SECTION) {
    const part = lines.slice(at, at + SECTION)
    sections.push(`${part.length} beginbfchar\n${part.join('\n')}\nendbfchar\n`)
  }
  return (
    '/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n' +
    '/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n' +
    '/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n' +
    `1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n${sections.join('')}` +
    'endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n'
  )
}

import { randomInt } from 'node:crypto'

/** Width and height of a picture, in pixels. */
const WIDTH = 120
const HEIGHT = 40

type Point = readonly [x: number, y: number]

/**
 * Letters as pen strokes on a field of 4 by 6, so that no font is needed. Spaces separate the strokes; two digits are a
 * point.
 */
const LETTERS: Readonly<Record<string, string>> = {
  A: '062046 1434',
  C: '4130100105163645',
  E: '40000646 0333',
  H: '0006 4046 0343',
  J: '4045361605',
  K: '0006 400346',
  L: '000646',
  M: '0600244046',
  N: '06004640',
  R: '06003041423303 2346',
  T: '0040 2026',
  U: '000516364540',
  V: '002640',
  W: '0016234640',
  X: '0046 4006',
  Y: '002340 2326',
  3: '011030414233 133344453616 1605',
  4: '36300444',
  7: '004026',
}

/** The letters of pictures. A line across one of them does not turn it into another. */
export const ALPHABET = Object.keys(LETTERS).join('')

/** An unpredictable number from `low` to `high`. */
function between(low: number, high: number): number {
  return low + ((high - low) * randomInt(1_000_001)) / 1_000_000
}

/**
 * Draws up to six letters of ALPHABET as a GIF of 120 × 40 pixels: each turned, slanted and shifted, all on a wave,
 * crossed by lines.
 */
export async function drawLetters(letters: string): Promise<Buffer> {
  const pixels = Buffer.alloc(WIDTH * HEIGHT, 255)
  const wave = waving()
  const step = WIDTH / letters.length
  for (const [index, letter] of [...letters].entries()) {
    const place = placed(step * (index + 0.5), step)
    for (const stroke of strokesOf(letter)) drawStroke(pixels, stroke.map(place), wave, between(1.1, 1.6))
  }
  for (let line = 0; line < 3; line += 1) {
    const ends: Point[] = [0, 0.5, 1].map((part) => [part * WIDTH, between(4, HEIGHT - 4)])
    drawStroke(pixels, ends, wave, between(0.5, 0.8))
  }
  const { default: sharp } = await import('sharp')
  return await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .gif({ colours: 16, dither: 0, effort: 1 })
    .toBuffer()
}

function strokesOf(letter: string): Point[][] {
  return (LETTERS[letter] ?? '').split(' ').map((stroke) => {
    const points = stroke.match(/\d\d/g) ?? []
    return points.map((point): Point => [Number(point[0]), Number(point[1])])
  })
}

/** Moves the points of one letter to its place around `centre`, with a size, turn and slant of its own. */
function placed(centre: number, room: number): (point: Point) => Point {
  const size = between(3.6, 4.4)
  const turn = between(-0.35, 0.35)
  const slant = between(-0.25, 0.25)
  const left = centre + between(-room / 12, room / 12)
  const top = HEIGHT / 2 + between(-3, 3)
  return ([column, row]) => {
    const y = (row - 3) * size + between(-0.6, 0.6)
    const x = (column - 2) * size + between(-0.6, 0.6) + slant * y
    return [left + x * Math.cos(turn) - y * Math.sin(turn), top + x * Math.sin(turn) + y * Math.cos(turn)]
  }
}

/** A wave that bends everything, the lines included. */
function waving(): (point: Point) => Point {
  const [start, length, height] = [between(0, 6), between(5, 9), between(1, 2.5)]
  return ([x, y]) => [x + (height / 2) * Math.sin(start + y / length), y + height * Math.sin(start + x / length)]
}

/** Draws a stroke in pieces short enough to follow the wave; `half` is half its width in pixels. */
function drawStroke(pixels: Buffer, points: readonly Point[], wave: (point: Point) => Point, half: number): void {
  const pieces = 6
  for (const [index, [x, y]] of points.entries()) {
    const [nextX, nextY] = points[index + 1] ?? [x, y]
    for (let piece = 0; piece < pieces; piece += 1) {
      const at = (part: number): Point => wave([x + ((nextX - x) * part) / pieces, y + ((nextY - y) * part) / pieces])
      drawPiece(pixels, at(piece), at(piece + 1), half)
    }
  }
}

/** Draws a straight piece with soft edges. */
function drawPiece(pixels: Buffer, [x1, y1]: Point, [x2, y2]: Point, half: number): void {
  const reach = half + 1
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2
  const bound = (value: number, most: number) => Math.max(0, Math.min(most, Math.round(value)))
  for (let y = bound(Math.min(y1, y2) - reach, HEIGHT); y < bound(Math.max(y1, y2) + reach, HEIGHT); y += 1) {
    for (let x = bound(Math.min(x1, x2) - reach, WIDTH); x < bound(Math.max(x1, x2) + reach, WIDTH); x += 1) {
      const along = length === 0 ? 0 : ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length
      const part = Math.max(0, Math.min(1, along))
      const away = Math.hypot(x - x1 - part * (x2 - x1), y - y1 - part * (y2 - y1))
      const ink = Math.max(0, Math.min(1, half + 0.5 - away))
      const index = y * WIDTH + x
      pixels[index] = Math.min(pixels[index] ?? 255, Math.round(255 - 200 * ink))
    }
  }
}

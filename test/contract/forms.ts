import fc from 'fast-check'

/** A picture of one white pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

/** A form with one file in it, as multipart/form-data with the boundary `boundary`. */
export function formOf(file: Buffer, disposition = 'form-data; name="file"; filename="file.png"'): Buffer {
  const head = `--boundary\r\nContent-Disposition: ${disposition}\r\nContent-Type: image/png\r\n\r\n`
  return Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--boundary--\r\n')])
}

/** Forms with a file; every second file is a picture. */
export const soundForms: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constant(formOf(PIXEL)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => formOf(Buffer.from(bytes))),
)

const dispositions = [
  'form-data; name="__proto__"; filename="x"',
  'form-data; name="file"; filename="../../../../etc/passwd"',
  'form-data; name="file"; filename="\u0000.png"',
  `form-data; name="${'x'.repeat(3000)}"; filename="x"`,
  'form-data; name="file"; filename*=utf-8\'\'%e4%zz',
  'form-data; name="file"',
  'attachment',
  '',
]

/** Forms that are truncated, describe their file wrongly, or have too many parts. */
export const brokenForms: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom(...dispositions).map((disposition) => formOf(PIXEL, disposition)),
  fc.nat(200).map((end) => formOf(PIXEL).subarray(0, end)),
  fc.constantFrom(2, 20, 200).map((times) => Buffer.concat(Array.from({ length: times }, () => formOf(PIXEL)))),
  fc.constant(Buffer.from('--boundary--')),
  fc.constant(Buffer.from('--other\r\n\r\nx\r\n--other--')),
)

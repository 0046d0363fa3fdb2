import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface FakeS3 {
  readonly url: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly objects: Map<string, { readonly bytes: Buffer; readonly type: string }>
  /** Refuses every request while it is true. */
  down: boolean
  close(): Promise<void>
}

/**
 * Starts an object store with the S3 protocol over HTTP in path style: PUT, GET with ranges, HEAD, DELETE. It checks
 * the signature (SigV4) of every request.
 */
export async function openFakeS3(): Promise<FakeS3> {
  const objects: FakeS3['objects'] = new Map()
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const fake: FakeS3 = {
    url: `http://127.0.0.1:${port}`,
    bucket: 'pictures',
    accessKeyId: 'AKIATEST',
    secretAccessKey: 'secret of the tests',
    objects,
    down: false,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return fake

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    if (fake.down) return refuse(response, 503, 'SlowDown')
    if (!isSigned(request, body, fake.secretAccessKey)) return refuse(response, 403, 'SignatureDoesNotMatch')
    const [, bucket, ...rest] = decodeURIComponent(new URL(request.url ?? '/', fake.url).pathname).split('/')
    if (bucket !== fake.bucket) return refuse(response, 404, 'NoSuchBucket')
    const key = rest.join('/')
    if (request.method === 'PUT') {
      objects.set(key, { bytes: body, type: request.headers['content-type'] ?? '' })
      return void response.writeHead(200, { etag: `"${createHash('md5').update(body).digest('hex')}"` }).end()
    }
    if (request.method === 'DELETE') {
      objects.delete(key)
      return void response.writeHead(204).end()
    }
    const object = objects.get(key)
    if (!object) return refuse(response, 404, 'NoSuchKey')
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const part = range ? object.bytes.subarray(Number(range[1]), Number(range[2]) + 1) : object.bytes
    response.writeHead(range ? 206 : 200, { 'content-type': object.type, 'content-length': part.length })
    response.end(request.method === 'HEAD' ? undefined : part)
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

/** AWS Signature Version 4, in headers, for one service in one chunk. */
function isSigned(request: IncomingMessage, body: Buffer, secret: string): boolean {
  const authorization = request.headers.authorization ?? ''
  const match = /^AWS4-HMAC-SHA256 Credential=AKIATEST\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    authorization,
  )
  if (!match) return false
  const [, scope = '', signed = '', signature = ''] = match
  const payload = String(request.headers['x-amz-content-sha256'])
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) return false
  const url = new URL(request.url ?? '/', 'http://store')
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const canonical = [request.method, url.pathname, query, headers.join(''), signed, payload].join('\n')
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<Buffer | string>((before, step) => hmac(before, step), `AWS4${secret}`)
  return hmac(key, text).toString('hex') === signature
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()

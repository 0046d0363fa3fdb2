import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { pipeline } from 'node:stream/promises'
import { AwsV4Signer } from 'aws4fetch'

export interface S3Options {
  /** `https://s3.example.com`; undefined means Amazon S3. */
  readonly endpoint?: string | undefined
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** True if the bucket is in the path (most stores except Amazon's), false if it is in the host name. */
  readonly pathStyle: boolean
}

/** A request for one object. */
export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
  /** The bytes, or the path of a local file that holds them. */
  readonly body?: Buffer | string
}

export interface S3Client {
  /**
   * Sends a request; answers when the store has accepted it, with the body still unread.
   * @throws S3Refusal if the store answers with an error; Error if it cannot be reached or does not answer.
   */
  send(request: S3Request): Promise<http.IncomingMessage>
}

/** An error answer of the store. */
export class S3Refusal extends Error {
  readonly status: number
  /** `NoSuchKey`; empty if the answer has no code. */
  readonly code: string

  constructor(status: number, code: string) {
    super(`the store answers ${status} ${code}`)
    this.status = status
    this.code = code
  }
}

const TRIES = 2
const PAUSE_MS = 100
const CONNECT_MS = 5000
/** Longest time in milliseconds until the store must have answered, even if data is still flowing. */
const LONGEST_MS = 300_000
/** Most characters that are read of an error answer. */
const ERROR_BYTES = 65_536

/** A client for one bucket. A request without any traffic for `silenceMs` is given up; each request is tried twice. */
export function createS3Client(options: S3Options, silenceMs: number): S3Client {
  const base = addressOf(options)
  const secure = base.protocol === 'https:'
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })

  const once = async (asked: S3Request): Promise<http.IncomingMessage> => {
    const url = new URL(asked.key, base)
    const headers = await signed(options, url, asked)
    const request = (secure ? https : http).request(url, { agent, method: asked.method, headers })
    const answer = await answerTo(request, asked.body, silenceMs)
    const status = answer.statusCode ?? 0
    if (status >= 200 && status < 300) return answer
    throw new S3Refusal(status, /<Code>(\w+)<\/Code>/.exec(await beginning(answer))?.[1] ?? '')
  }

  return {
    async send(request) {
      for (let left = TRIES - 1; ; left -= 1) {
        try {
          return await once(request)
        } catch (error) {
          const lasting = error instanceof S3Refusal && error.status < 500 && error.status !== 429
          if (lasting || left === 0) throw error
          await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS))
        }
      }
    },
  }
}

/** The URL of the bucket, with a slash at the end. */
function addressOf({ endpoint, bucket, region, pathStyle }: S3Options): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`)
  const folder = url.pathname.replace(/\/*$/, '/')
  if (pathStyle) url.pathname = `${folder}${bucket}/`
  else {
    url.hostname = `${bucket}.${url.hostname}`
    url.pathname = folder
  }
  return url
}

/**
 * The headers of a request with its signature (SigV4). A body in memory is signed too; a file is not, because it would
 * have to be read twice.
 */
async function signed(options: S3Options, url: URL, { method, headers, body }: S3Request) {
  const hash =
    typeof body === 'string'
      ? 'UNSIGNED-PAYLOAD'
      : createHash('sha256')
          .update(body ?? '')
          .digest('hex')
  const { accessKeyId, secretAccessKey, region } = options
  const signer = new AwsV4Signer({
    accessKeyId,
    secretAccessKey,
    region,
    service: 's3',
    method,
    url: url.href,
    headers: { ...headers, 'x-amz-content-sha256': hash },
    allHeaders: true,
  })
  const length = typeof body === 'string' ? (await stat(body)).size : body?.length
  return {
    ...Object.fromEntries((await signer.sign()).headers),
    ...(length !== undefined && { 'content-length': String(length) }),
  }
}

/** Sends the body and waits for the answer. @throws Error if there is none in time. */
async function answerTo(request: http.ClientRequest, body: S3Request['body'], silenceMs: number) {
  const giveUp = (why: string) => request.destroy(new Error(`the store ${why}`))
  const connecting = setTimeout(giveUp, Math.min(CONNECT_MS, silenceMs), 'cannot be reached')
  const whole = setTimeout(giveUp, LONGEST_MS, 'takes too long')
  request.setTimeout(silenceMs, () => giveUp('says nothing'))
  request.on('socket', (socket) => {
    if (!socket.connecting) clearTimeout(connecting)
    else socket.once('connect', () => clearTimeout(connecting))
  })
  try {
    return await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject)
      if (typeof body === 'string') pipeline(createReadStream(body), request).catch(reject)
      else request.end(body)
    })
  } finally {
    clearTimeout(connecting)
    clearTimeout(whole)
  }
}

/** Reads as much of an answer as an error needs. */
async function beginning(answer: http.IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk
    if (text.length > ERROR_BYTES) break
  }
  return text
}

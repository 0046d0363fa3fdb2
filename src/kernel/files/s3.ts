import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Unavailable } from '../errors.ts'
import { checkName, FileMissing, type FileStorage } from './storage.ts'

export interface S3Options {
  /** `https://s3.example.com`; undefined is Amazon's own. */
  readonly endpoint?: string | undefined
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The bucket in the path (most stores that are not Amazon's) or in the host name. */
  readonly pathStyle: boolean
  /** Before every name: `files/`. */
  readonly prefix: string
}

/** Milliseconds in which nothing comes from the store, or is taken by it, until a try is given up; there are two. */
const silenceMs = 10_000
/** However slowly it goes on. */
const longestMs = 300_000

/** Keeps files in an S3-compatible store. What it does throws Unavailable `files_unavailable` while the store doesn't answer. */
export function s3Storage(options: S3Options, patienceMs: number = silenceMs): FileStorage {
  const client = createS3Client(options, patienceMs)
  const { bucket: Bucket, prefix } = options
  const Key = (name: string) => `${prefix}${checkName(name)}`
  return {
    async put(name, source, ContentType) {
      const fromFile = typeof source === 'string'
      const ContentLength = fromFile ? (await stat(source)).size : source.length
      const Body = fromFile ? createReadStream(source) : source
      const command = new PutObjectCommand({ Bucket, Key: Key(name), Body, ContentLength, ContentType })
      await client.send(command).catch(sayWhy)
    },
    async read(name, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: Key(name), Range }))
        if (!(Body instanceof Readable)) throw new Error('the store has answered without a body')
        return Body
      } catch (error) {
        if (error instanceof NoSuchKey) throw new FileMissing(name)
        return sayWhy(error)
      }
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: Key(name) })).catch(sayWhy)
    },
  }
}

/** A store that doesn't answer, or has a fault, is no fault of ours; one that refuses us is. */
function sayWhy(error: unknown): never {
  const status =
    error instanceof Error && '$metadata' in error ? Reflect.get(Object(error.$metadata), 'httpStatusCode') : undefined
  if (typeof status === 'number' && status < 500) throw error
  const unavailable = new Unavailable('files_unavailable', 'The files cannot be reached. Please try again.', {
    retryAfter: 30,
  })
  unavailable.cause = error
  throw unavailable
}

/** A client for the store; a conversation that stalls is given up. */
function createS3Client(options: S3Options, patienceMs: number): S3Client {
  return new S3Client({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: options.pathStyle,
    // Checksums in trailers are Amazon's: many other stores refuse them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: Math.min(5000, patienceMs),
      socketTimeout: patienceMs,
      requestTimeout: longestMs,
      // Without it, the limit is only a warning.
      throwOnRequestTimeout: true,
    },
  })
}

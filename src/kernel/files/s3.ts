import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
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

/** Keeps files in an S3-compatible store. */
export function s3Storage(options: S3Options): FileStorage {
  const client = createS3Client(options)
  const { bucket: Bucket, prefix } = options
  const Key = (name: string) => `${prefix}${checkName(name)}`
  return {
    async put(name, source, ContentType) {
      const fromFile = typeof source === 'string'
      const ContentLength = fromFile ? (await stat(source)).size : source.length
      const Body = fromFile ? createReadStream(source) : source
      await client.send(new PutObjectCommand({ Bucket, Key: Key(name), Body, ContentLength, ContentType }))
    },
    async read(name, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: Key(name), Range }))
        if (!(Body instanceof Readable)) throw new Error('the store has answered without a body')
        return Body
      } catch (error) {
        if (error instanceof NoSuchKey) throw new FileMissing(name)
        throw error
      }
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: Key(name) }))
    },
  }
}

/** A client for the store; a conversation that stalls is given up. */
function createS3Client(options: S3Options): S3Client {
  return new S3Client({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: options.pathStyle,
    // Checksums in trailers are Amazon's: many other stores refuse them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 5000, requestTimeout: 30_000 },
  })
}

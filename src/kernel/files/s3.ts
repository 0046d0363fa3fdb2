import type { Readable } from 'node:stream'
import { Unavailable } from '../errors.ts'
import { createS3Client, type S3Options, S3Refusal } from './s3Client.ts'
import { checkName, FileMissing, type FileStorage } from './storage.ts'

/** Milliseconds without traffic from or to the store after which a try is given up; each request has two tries. */
const SILENCE_MS = 10_000

/**
 * Stores files in an S3-compatible store, under names that begin with `prefix` (`files/`). Its methods throw
 * Unavailable `files_unavailable` while the store does not answer.
 */
export function s3Storage(options: S3Options & { readonly prefix: string }, silenceMs = SILENCE_MS): FileStorage {
  const client = createS3Client(options, silenceMs)
  const keyOf = (name: string) => `${options.prefix}${checkName(name)}`
  return {
    async put(name, body, contentType) {
      const headers = { 'content-type': contentType }
      const answer = await client.send({ method: 'PUT', key: keyOf(name), headers, body }).catch(sayWhy)
      answer.resume()
    },
    async read(name, range): Promise<Readable> {
      const headers = range && { range: `bytes=${range.start}-${range.end}` }
      try {
        return await client.send({ method: 'GET', key: keyOf(name), headers })
      } catch (error) {
        if (error instanceof S3Refusal && error.code === 'NoSuchKey') throw new FileMissing(name)
        return sayWhy(error)
      }
    },
    async remove(name) {
      const answer = await client.send({ method: 'DELETE', key: keyOf(name) }).catch(sayWhy)
      answer.resume()
    },
  }
}

/** A store that does not answer or fails makes us unavailable; one that refuses our request is an unexpected error. */
function sayWhy(error: unknown): never {
  if (error instanceof S3Refusal && error.status < 500) throw error
  const unavailable = new Unavailable('files_unavailable', 'The files cannot be reached. Please try again.', {
    retryAfter: 30,
  })
  unavailable.cause = error
  throw unavailable
}

/** Purpose of uploaded files that can be attached to requests. */
export const ATTACHMENT = 'clinic.audit'

/** Most characters of a file's name in a path. */
const LONGEST_NAME = 100

/** The path of an uploaded file. Its name is the client's, without folders and without characters that mislead. */
export function attachmentPath(fileId: number, name: string): string {
  return `/static/audit/${fileId}_${name}`
}

/** A name that a client gave to a file, made harmless: no folders, no control characters, a bounded length. */
export function harmlessName(given: string, extension: string): string {
  const last = given.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const base = last
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[\p{C}\p{Z}?#%&"'<>:*|]+/gu, '_')
    .replaceAll(/\.{2,}/g, '.')
  const short = [...base].slice(0, LONGEST_NAME).join('')
  return `${/[\p{L}\p{N}]/u.test(short) ? short : '附件'}.${extension}`.replaceAll('..', '.')
}

/**
 * File id and normal form of an attachment's path (`/static/audit/{file id}_{name}`, also without the first slash).
 * Undefined for every other path: it names no folder and cannot lead out of one.
 */
export function attachmentOf(path: string): { readonly fileId: number; readonly path: string } | undefined {
  const [, id, name = ''] = /^\/?static\/audit\/(\d{1,15})_([^/\\\p{Cc}]{1,200})$/u.exec(path) ?? []
  if (id === undefined || name.includes('..')) return undefined
  return { fileId: Number(id), path: `/static/audit/${id}_${name}` }
}

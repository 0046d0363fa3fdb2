import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Kind } from './kinds.ts'

const LONGEST_FILE = 20_000

/** An RSA private key: PEM text, or the path of a file with it. */
export const rsaPrivateKey: Kind<KeyObject> = {
  allowed:
    'an RSA private key of 2048 bits or more: PEM (line breaks may be written as \\n), or the path of a PEM file',
  parse: (text) => rsaKey(text, (pem) => (pem.includes('PRIVATE KEY') ? createPrivateKey(pem) : undefined)),
}

/** An RSA public key: PEM text, or the path of a file with it. */
export const rsaPublicKey: Kind<KeyObject> = {
  allowed: 'an RSA public key of 2048 bits or more: PEM (line breaks may be written as \\n), or the path of a PEM file',
  parse: (text) => rsaKey(text, (pem) => (pem.includes('PUBLIC KEY') ? createPublicKey(pem) : undefined)),
}

function rsaKey(text: string, read: (pem: string) => KeyObject | undefined): KeyObject | undefined {
  try {
    const key = read(text.startsWith('-----BEGIN ') ? text.replaceAll('\\n', '\n') : fileOf(text))
    const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0
    return key?.asymmetricKeyType === 'rsa' && bits >= 2048 ? key : undefined
  } catch {
    return undefined
  }
}

function fileOf(path: string): string {
  const pem = readFileSync(path, 'utf8')
  return pem.length > LONGEST_FILE ? '' : pem
}

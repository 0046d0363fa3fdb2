import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { addressOf } from '../../http/request/limits.ts'

/** The caller of a public route. */
export interface Visitor {
  /** IPv4 or IPv6, without a zone. An IPv4-mapped IPv6 address is given as IPv4. */
  readonly address: string
  /** At most 300 characters. */
  readonly userAgent: string
  readonly requestId: string
}

/** The visitor of a request. */
export function visitorOf(request: FastifyRequest): Visitor {
  return {
    address: plainAddress(addressOf(request)),
    userAgent: (request.headers['user-agent'] ?? '').replaceAll('\0', '').slice(0, 300),
    requestId: request.id,
  }
}

/** An address in a form that PostgreSQL's inet accepts; `0.0.0.0` if it is not an address. */
export function plainAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/s, '')
  return isIP(plain) ? plain : '0.0.0.0'
}

import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { addressOf } from '../../http/request/limits.ts'

/** Whoever calls a public door: where from, and with what. */
export interface Visitor {
  /** IPv4 or IPv6, without zone; IPv4 that came mapped into IPv6 is IPv4. */
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

/** An address as PostgreSQL's inet reads it; `0.0.0.0` for what is none. */
export function plainAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/s, '')
  return isIP(plain) ? plain : '0.0.0.0'
}

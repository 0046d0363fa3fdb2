import { minutesAfter } from '../../../booking/interval.ts'
import { permissionsOf } from '../../../kernel/identity/roles.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { VisitRecord } from '../../core/records/store.ts'
import { CODES, refusal } from '../../sentences.ts'
import { type RecordReader, readRecord } from './service.ts'
import { rolesOfActive } from './store.ts'

/** Purpose of the links' signatures. */
const PURPOSE = 'clinic medical record'

/** Minutes for which a link works. */
const MINUTES = 10

/** A link by which one person downloads one record without log-in. */
export interface Link {
  readonly record: VisitRecord
  readonly token: string
  readonly expiresAt: Date
}

/** Makes a link for a record that the reader may read. @throws Invalid 106. */
export async function makeLink(kernel: Kernel, reader: RecordReader, orderId: number): Promise<Link> {
  const record = await readRecord(kernel, reader, orderId, 'print')
  const expiresAt = minutesAfter(kernel.clock.now(), MINUTES)
  const token = kernel.secrets.signer.sign(`${orderId} ${reader.userId} ${expiresAt.getTime()}`, PURPOSE)
  return { record, token, expiresAt }
}

/**
 * The record that a link opens. The person for whom it was made must still be allowed to read the record.
 * @throws Invalid 106 if the link was not made for this record, has expired, or its person may no longer read it.
 */
export async function openLink(
  kernel: Kernel,
  token: string,
  orderId: number,
  origin: Pick<RecordReader, 'address' | 'requestId'>,
): Promise<VisitRecord> {
  const signed = kernel.secrets.signer.verify(token, PURPOSE) ?? ''
  const [order, userId, until] = signed.split(' ').map(Number)
  if (order !== orderId || userId === undefined || until === undefined) throw badLink()
  if (until <= kernel.clock.now().getTime()) throw badLink()
  const roles = await kernel.withRetries((db) => rolesOfActive(db, userId))
  if (!roles) throw badLink()
  const permissions = permissionsOf(kernel.roles, roles)
  return await readRecord(kernel, { userId, permissions, ...origin }, orderId, 'download')
}

const badLink = () => refusal(CODES.notFound, 'bad_link', '下载链接无效或已过期，请重新生成')

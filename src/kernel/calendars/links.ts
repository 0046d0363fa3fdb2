import { originOf } from '../audit/origin.ts'
import { NotFound } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import * as store from './store.ts'

/** A calendar that people can subscribe to. */
export interface Feed {
  /** Purpose of the links' signatures: a link of one feed does not open another. */
  readonly purpose: string
  /** Path of the feed; a link adds `?token=`. */
  readonly path: string
}

const noSuchCalendar = () => new NotFound('not_found', 'There is no such calendar.')

/** The link for subscribing to a person's calendar without log-in. @throws NotFound */
export async function calendarLink(kernel: Kernel, feed: Feed, userId: number): Promise<string> {
  const generation = await store.linkGeneration(kernel.db, userId)
  if (generation === null) throw noSuchCalendar()
  return linkOf(kernel, feed, userId, generation)
}

/** Makes a new link; the earlier links of all feeds stop working. */
export async function resetCalendarLink(kernel: Kernel, feed: Feed, caller: Caller): Promise<string> {
  const now = kernel.clock.now()
  const generation = await kernel.transaction(async (tx) => {
    const next = await store.resetLinks(tx, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'calendar_link.reset',
      resource: 'user',
      resourceId: caller.userId,
    })
    return next
  })
  kernel.nudge()
  return linkOf(kernel, feed, caller.userId, generation)
}

function linkOf(
  { config, secrets }: Pick<Kernel, 'config' | 'secrets'>,
  feed: Feed,
  userId: number,
  generation: number,
): string {
  const token = secrets.signer.sign(`${userId}.${generation}`, feed.purpose)
  return `${config.publicUrl}${feed.path}?token=${token}`
}

/**
 * The owner of the calendar that a link opens.
 * @throws NotFound if we did not make the link, it was reset, or its owner's account is not active.
 */
export async function ownerOf(kernel: Kernel, feed: Feed, token: string): Promise<number> {
  const signed = kernel.secrets.signer.verify(token, feed.purpose) ?? ''
  const [user, generation] = signed.split('.').map(Number)
  if (user === undefined || generation === undefined) throw noSuchCalendar()
  if ((await store.linkGeneration(kernel.reads, user)) !== generation) throw noSuchCalendar()
  return user
}

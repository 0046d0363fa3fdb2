/** One who waits for places. */
export interface Waiting {
  readonly id: number
  readonly partySize: number
}

/**
 * Whom to offer free places, given the queue in its order. A party that is too large for what is left keeps its
 * position and is passed over, so that one large party does not leave places empty.
 */
export function nextOffers<W extends Waiting>(queue: readonly W[], availablePlaces: number): readonly W[] {
  const offers: W[] = []
  let free = availablePlaces
  for (const entry of queue) {
    if (free === 0) break
    if (entry.partySize > free) continue
    offers.push(entry)
    free -= entry.partySize
  }
  return offers
}

/** An entry of a waiting list. */
export interface Waiting {
  readonly id: number
  readonly partySize: number
}

/**
 * The entries that get an offer, given the queue in its order. A party that is too large for the places left keeps its
 * position and is passed over, so that it does not leave places empty.
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

/** A venue, or all venues of a sport venue. */
export type Place = { readonly venueId: number } | { readonly sportVenueId: number }

/** Something that can be out of use: a place, or a facility. */
export type Owner = Place | { readonly facilityId: number }

/**
 * `share`: to add something that must not miss a change of the place. `update`: to change or close the place itself.
 */
export type LockStrength = 'share' | 'update'

import { Type } from 'typebox'

const AcceptedVersion = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    description: 'The current version of the text, once one is published (`consent_required` names it).',
  }),
)

/** The members of a registration that say which texts somebody agrees to. */
export const acceptedVersions = { accepted_terms: AcceptedVersion, accepted_privacy: AcceptedVersion }

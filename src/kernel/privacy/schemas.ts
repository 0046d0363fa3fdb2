import { Type } from 'typebox'

const AcceptedVersion = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    description: 'The current version of the text, once one is published (`consent_required` names it).',
  }),
)

/** The members of a registration with the accepted versions of the texts. */
export const acceptedVersions = { accepted_terms: AcceptedVersion, accepted_privacy: AcceptedVersion }

import { defineConstraints } from '../database/constraints.ts'
import { Conflict, NotFound } from '../errors.ts'

/** The errors for a name of an account that another one has. */
export const nameTaken = {
  username: () => new Conflict('username_taken', 'This username is taken.'),
  email: () => new Conflict('email_taken', 'This e-mail address belongs to another account.'),
  phone: () => new Conflict('phone_taken', 'This phone number belongs to another account.'),
} as const

defineConstraints({
  users_username_key: nameTaken.username,
  users_email_key: nameTaken.email,
  users_phone_key: nameTaken.phone,
  user_roles_user_id_fkey: () => new NotFound('not_found', 'There is no such user.'),
  user_identities_subject_key: () =>
    new Conflict('identity_taken', 'This third-party account is linked to another account.'),
  user_identities_user_key: () =>
    new Conflict('already_linked', 'Your account is linked to another account there. Unlink it first.'),
})

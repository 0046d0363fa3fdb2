import { defineConstraints } from '../database/constraints.ts'
import { Conflict, NotFound } from '../errors.ts'

defineConstraints({
  users_username_key: () => new Conflict('username_taken', 'This username is taken.'),
  users_email_key: () => new Conflict('email_taken', 'This e-mail address belongs to another account.'),
  users_phone_key: () => new Conflict('phone_taken', 'This phone number belongs to another account.'),
  user_roles_user_id_fkey: () => new NotFound('not_found', 'There is no such user.'),
  user_identities_subject_key: () =>
    new Conflict('identity_taken', 'This third-party account is linked to another account.'),
  user_identities_user_key: () =>
    new Conflict('already_linked', 'Your account is linked to another account there. Unlink it first.'),
})

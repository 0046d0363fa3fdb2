import { Type } from 'typebox'
import { filePath } from '../../kernel/files/service.ts'
import { Id, Instant, Nullable, type Of, Text } from '../../kernel/http/schemas.ts'
import { USERNAME_PATTERN } from '../../kernel/identity/accounts/accounts.ts'
import { PASSWORD_LENGTH } from '../../kernel/identity/accounts/passwords.ts'
import { maskEmail, maskPhone } from '../../kernel/identity/accounts/phones.ts'
import type { User } from '../../kernel/identity/accounts/users.ts'
import { acceptedVersions } from '../../kernel/privacy/schemas.ts'

const Locale = Type.Enum(['zh-CN', 'zh-TW', 'en'])
export const Status = Type.Enum(['active', 'disabled'])
export const UserParams = Type.Object({ user_id: Id })

export const UserAnswer = Type.Object(
  {
    id: Id,
    username: Type.String(),
    email: Nullable(Type.String()),
    phone: Nullable(Type.String({ description: 'E.164.', examples: ['+8613800138000'] })),
    display_name: Type.String(),
    department: Nullable(Type.String()),
    avatar_url: Nullable(Type.String({ description: 'Square.', examples: ['/api/v1/files/42'] })),
    locale: Locale,
    roles: Type.Array(Type.String()),
    status: Status,
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'User' },
)

/** The caller's own account. */
export const OwnAnswer = Type.Object(
  {
    ...UserAnswer.properties,
    consent_required: Type.Boolean({ description: 'True if a text was published that the person has not agreed to.' }),
  },
  { title: 'OwnUser' },
)

/** A person in an answer: nothing about the password; contact data masked where the reader may not see it. */
export function presentUser(user: User, contacts: 'shown' | 'masked') {
  const show = contacts === 'shown'
  return {
    id: user.id,
    username: user.username,
    email: user.email && (show ? user.email : maskEmail(user.email)),
    phone: user.phone && (show ? user.phone : maskPhone(user.phone)),
    display_name: user.displayName,
    department: user.department,
    avatar_url: user.avatarFileId === null ? null : filePath(user.avatarFileId),
    locale: user.locale,
    roles: user.roles,
    status: user.status,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  }
}

const Username = Type.String({ minLength: 2, maxLength: 64, pattern: USERNAME_PATTERN, examples: ['zhangsan'] })
const Email = Type.String({ format: 'email', maxLength: 254, examples: ['zhangsan@example.com'] })
const Phone = Type.String({
  minLength: 5,
  maxLength: 40,
  description: 'With its country code; without one it is a Chinese number.',
  examples: ['138 0013 8000'],
})
/** Allows more than a valid password, so that a password that is too long gets `weak_password` with the reason. */
export const Password = Type.String({ minLength: 1, maxLength: PASSWORD_LENGTH.max * 2 })

export const RegisterBody = Type.Object({
  username: Username,
  password: Password,
  email: Type.Optional(Nullable(Email)),
  phone: Type.Optional(Nullable(Phone)),
  display_name: Type.Optional(Text(100)),
  ...acceptedVersions,
})

/** Takes JSON, or the form of OAuth 2.0's password grant (RFC 6749, 4.3.2). */
export const LoginBody = Type.Object({
  username: Type.String({ minLength: 1, maxLength: 254, description: 'Username, e-mail address or phone number.' }),
  password: Password,
  grant_type: Type.Optional(Type.String({ maxLength: 20 })),
  scope: Type.Optional(Type.String({ maxLength: 1000 })),
  client_id: Type.Optional(Type.String({ maxLength: 200 })),
  client_secret: Type.Optional(Type.String({ maxLength: 200 })),
})

export const LoginAnswer = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  password_change_required: Type.Optional(
    Type.Boolean({ description: 'True if the password is too old: the token can only change it.' }),
  ),
  user: UserAnswer,
})

const ownFields = {
  email: Type.Optional(Nullable(Email)),
  phone: Type.Optional(Nullable(Phone)),
  display_name: Type.Optional(Text(100)),
  locale: Type.Optional(Locale),
}

export const OwnChange = Type.Object({
  ...ownFields,
  current_password: Type.Optional(
    Type.String({
      ...Password,
      description: 'Required for a new `email` or `phone`, unless the log-in is of the last 10 minutes.',
    }),
  ),
})

export const UserChange = Type.Object({
  ...ownFields,
  username: Type.Optional(Username),
  department: Type.Optional(Nullable(Text(100))),
  status: Type.Optional(Status),
})

/** The profile fields of a body, under the names that services use. */
export function profileChange({ display_name: displayName, ...rest }: Of<typeof UserChange>) {
  return { ...rest, displayName }
}

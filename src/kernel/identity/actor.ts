/** The signed-in user of a request, with the roles and permissions of their session. */
export interface Actor {
  readonly userId: number
  /** The session row behind the token (`jti`). */
  readonly sessionId: string
  readonly roles: ReadonlySet<string>
  /** The union of the permissions of all roles; an administrator holds every permission. */
  readonly permissions: ReadonlySet<string>
  readonly isAdmin: boolean
  /** `password_change`: the password is too old, nothing but changing it is allowed. */
  readonly scope: 'full' | 'password_change'
}

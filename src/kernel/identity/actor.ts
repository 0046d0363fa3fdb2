/** Whoever is signed in: what a session says of its user, as far as a request needs it. */
export interface Actor {
  readonly userId: number
  /** The session row behind the token (`jti`). */
  readonly sessionId: string
  readonly roles: ReadonlySet<string>
  /** The union of what the roles permit; an administrator's set holds every permission. */
  readonly permissions: ReadonlySet<string>
  readonly isAdmin: boolean
  /** `password_change`: the password is too old, nothing but changing it is allowed. */
  readonly scope: 'full' | 'password_change'
}

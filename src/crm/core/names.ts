/** A member's name as Chinese names are written: family name first. The LINE display name stands in for it. */
export function fullName(member: {
  readonly first_name: string | null
  readonly last_name: string | null
  readonly line_display_name: string | null
}): string {
  const { first_name: first, last_name: last, line_display_name: shown } = member
  const isLatin = /^[\p{Script=Latin}\s.'-]+$/u.test(`${first ?? ''}${last ?? ''}`)
  const name = isLatin ? [first, last].filter(Boolean).join(' ') : `${last ?? ''}${first ?? ''}`
  return name || (shown ?? '')
}

/** An icon of 48 by 48 pixels from one path in the colour of the published clients. */
const icon = (path: string) =>
  '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 24 24" fill="none" stroke="#1677ff" ' +
  `stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`

/** The icons of this server by name. */
const ICONS: ReadonlyMap<string, string> = new Map([
  ['hospital', icon('M4 21V6l8-3 8 3v15M2 21h20M12 7v6M9 10h6M10 21v-4h4v4')],
  ['department', icon('M3 21V9h8v12M11 21V4h10v17M2 21h20M6 13h2M6 17h2M14 8h4M14 12h4M14 16h4')],
  ['doctor', icon('M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M5 21v-2a7 7 0 0 1 14 0v2M12 15v4M10 17h4')],
  ['patient', icon('M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M5 21v-2a7 7 0 0 1 14 0v2')],
  ['appointment', icon('M4 6h16v15H4zM4 10h16M8 3v4M16 3v4M9 15l2 2 4-4')],
  ['waitlist', icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 2')],
  ['record', icon('M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h7')],
  ['payment', icon('M3 6h18v12H3zM3 10h18M7 15h3')],
  ['message', icon('M4 5h16v12H9l-5 4zM8 9h8M8 13h5')],
  ['feedback', icon('M12 3l2.7 5.6 6.1.9-4.4 4.3 1 6.1L12 17l-5.4 2.9 1-6.1L3.2 9.5l6.1-.9z')],
])

/** The icon of a path (`/static/icon/doctor.svg`, `icons/doctor.png`, `doctor`). Undefined if there is no such icon. */
export function iconAt(path: string): string | undefined {
  const [, name] = /^\/?(?:static\/)?(?:icons?\/)?([a-z]{1,20})(?:\.(?:svg|png))?$/.exec(path) ?? []
  return name === undefined ? undefined : ICONS.get(name)
}

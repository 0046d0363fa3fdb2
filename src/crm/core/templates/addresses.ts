/** The folder of templates’ uploaded pictures on this server. */
const PICTURES = '/static/uploads/images/templates/'

/**
 * An address that a tap may open, in the form in which it is stored: http and https in their normal form (everything
 * beyond ASCII is encoded), `tel:`, or `line://`. Undefined for everything else, and for addresses with a log-in. It
 * holds no braces: they mark the place of a recipient's token.
 */
export function actionAddress(text: string): string | undefined {
  if (/^tel:\+?[\d()*#.-]{2,30}$/i.test(text)) return `tel:${text.slice(4)}`
  if (/^line:\/\/[\w./?=&@%+~:,;!$'()*#-]+$/i.test(text)) return `line${text.slice(4)}`
  return webAddress(text, /^https?:\/\/[^/]/i)
}

/** The address of a picture in the form in which it is stored: https, or the path of an uploaded picture. */
export function pictureAddress(text: string, publicUrl?: string): string | undefined {
  const path = publicUrl !== undefined && text.startsWith(`${publicUrl}/`) ? text.slice(publicUrl.length) : text
  if (!path.startsWith('/')) return webAddress(text, /^https:\/\/[^/]/i)
  return path.startsWith(PICTURES) && /^[\w.-]+$/.test(path.slice(PICTURES.length)) ? path : undefined
}

function webAddress(text: string, form: RegExp): string | undefined {
  // The parser would drop line breaks and read backslashes as slashes.
  if (!form.test(text) || /[\s\\]|\p{Cc}/u.test(text)) return undefined
  const url = URL.parse(text)
  if (url?.username !== '' || url.password !== '') return undefined
  return url.href.replaceAll('{', '%7B').replaceAll('}', '%7D')
}

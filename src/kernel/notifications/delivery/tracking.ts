import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import type { Kernel } from '../../kernel.ts'
import type { Locale } from '../texts/types.ts'

type Site = Pick<Kernel, 'config' | 'secrets'>

const PURPOSE = { open: 'mail opened', click: 'link followed', unsubscribe: 'unsubscribe' } as const

/** Longest token that fits a path; links with longer ones are not tracked. */
const LONGEST_TOKEN = 480

/** The unsubscribe link of a delivery. It works without log-in and never expires. */
export function unsubscribeUrl(site: Site, deliveryId: number): string {
  return `${site.config.publicUrl}/u/${site.secrets.signer.sign(String(deliveryId), PURPOSE.unsubscribe)}`
}

const FOOTER: Readonly<Record<Locale, string>> = {
  'zh-CN': '退订此类邮件',
  'zh-TW': '取消訂閱此類郵件',
  en: 'Unsubscribe from such mails',
}

/** Adds tracked links, an image that reports opening (both if tracking is on) and the unsubscribe link to a mail. */
export function trackedHtml(
  site: Site,
  deliveryId: number,
  html: string,
  unsubscribe: { readonly url: string; readonly locale: Locale } | undefined,
): string {
  const { signer } = site.secrets
  const links = html.replaceAll(/(<a\b[^<>]*?\shref=")(https?:\/\/[^"]+)"/g, (whole, start: string, href: string) => {
    const token = signer.sign(`${deliveryId} ${unescapeHtml(href)}`, PURPOSE.click)
    return token.length <= LONGEST_TOKEN ? `${start}${site.config.publicUrl}/t/${token}"` : whole
  })
  const footer = unsubscribe
    ? `<p style="font-size:12px;color:#888888"><a href="${unsubscribe.url}">${FOOTER[unsubscribe.locale]}</a></p>`
    : ''
  if (!site.config.mailTracking) return `${html}${footer}`
  const token = signer.sign(String(deliveryId), PURPOSE.open)
  return `${links}${footer}<img src="${site.config.publicUrl}/o/${token}.png" width="1" height="1" alt="">`
}

/** Adds the unsubscribe link to plain text. */
export function withFooter(text: string, unsubscribe: { readonly url: string; readonly locale: Locale } | undefined) {
  return unsubscribe ? `${text}\n\n--\n${FOOTER[unsubscribe.locale]}: ${unsubscribe.url}` : text
}

/** Converts plain text to rich text, with paragraphs and links. */
export function htmlOf(text: string): string {
  const linked = escapeHtml(text).replaceAll(/https?:\/\/[^\s<>"，。；]+/g, (url) => `<a href="${url}">${url}</a>`)
  return linked
    .split(/\n{2,}/)
    .map((part) => `<p>${part.replaceAll('\n', '<br>')}</p>`)
    .join('')
}

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** The id of the delivery of an unsubscribe link; undefined when the token is invalid. */
export function readUnsubscribe(site: Site, token: string): number | undefined {
  return idIn(site.secrets.signer.verify(token, PURPOSE.unsubscribe))
}

/** Records that a mail was opened. Returns whether the token is valid. */
export async function noteOpened(db: Database, site: Site, token: string, now: Date): Promise<boolean> {
  const id = idIn(site.secrets.signer.verify(token, PURPOSE.open))
  if (id === undefined) return false
  await sql`
    UPDATE deliveries SET opened_at = ${now}, delivered_at = coalesce(delivered_at, ${now}), updated_at = ${now},
      state = CASE WHEN state IN ('sent', 'delivered') THEN 'opened' ELSE state END
    WHERE id = ${id} AND opened_at IS NULL`.execute(db)
  return true
}

/** Records that a link was followed. Returns its target; undefined when the token is invalid. */
export async function noteClicked(db: Database, site: Site, token: string, now: Date): Promise<string | undefined> {
  const payload = site.secrets.signer.verify(token, PURPOSE.click)
  const space = payload?.indexOf(' ') ?? -1
  if (payload === undefined || space < 0) return undefined
  const [id, url] = [idIn(payload.slice(0, space)), payload.slice(space + 1)]
  if (id !== undefined) {
    await sql`
      UPDATE deliveries
      SET clicked_at = ${now},
        opened_at = coalesce(opened_at, ${now}),
        delivered_at = coalesce(delivered_at, ${now}),
        updated_at = ${now},
        state = CASE WHEN state IN ('sent', 'delivered', 'opened') THEN 'clicked' ELSE state END
      WHERE id = ${id} AND clicked_at IS NULL`.execute(db)
  }
  return url
}

function idIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

import { linksOf, partsOf } from './links.ts'
import { CARD_LABEL, imageAddress, priceText, renderTemplate } from './render.ts'
import type { TemplateContent } from './types.ts'

/** A template as LINE's message objects, and as a page that looks as on a phone. */
export interface Preview {
  readonly messages: readonly object[]
  /** A whole page without scripts. */
  readonly html: string
}

/** Shows a template with its plain addresses: nothing is counted. */
export function previewTemplate(template: TemplateContent, base: string): Preview {
  const { messages } = renderTemplate(template, {
    uriOf: ({ url }) => url,
    postbackOf: ({ position }) => `preview-${position}`,
    openImageUri: null,
    base,
  })
  return { messages, html: pageOf(template, base) }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('\n', '<br>')
}

const STYLE = `
body{margin:0;font:15px/1.5 system-ui,"PingFang TC","Noto Sans TC",sans-serif;background:#8cabd8;color:#111}
.chat{max-width:390px;margin:0 auto;padding:16px 12px;display:flex;gap:8px;align-items:flex-start}
.face{flex:none;width:36px;height:36px;border-radius:50%;background:#fff;display:grid;place-items:center;font-size:18px}
.row{display:flex;gap:8px;overflow-x:auto;min-width:0;padding-bottom:4px}
.bubble{background:#fff;border-radius:16px;overflow:hidden;max-width:280px}
.text{padding:10px 14px;white-space:normal;overflow-wrap:anywhere}
.card{flex:none;width:240px}
.card img,.picture img{display:block;width:100%;object-fit:cover}
.card img{aspect-ratio:20/13}.picture{width:280px}.picture img{aspect-ratio:1}
.body{padding:12px 14px}.title{font-weight:700}.note{color:#666;font-size:13px;margin-top:4px}
.price{color:#b4532a;font-weight:700;margin-top:8px}
.action{display:block;padding:11px 14px;text-align:center;color:#3b6fb4;text-decoration:none;border-top:1px solid #eee}
.card .action{margin:0 12px 12px;border:0;border-radius:6px;background:#8a6d3b;color:#fff;padding:8px}`

function pageOf(template: TemplateContent, base: string): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>${STYLE}</style>`
  const chat = `<div class="chat"><div class="face">🏨</div><div class="row">${bubblesOf(template, base)}</div></div>`
  return `<!doctype html><html lang="zh-TW"><head>${head}</head><body>${chat}</body></html>`
}

function bubblesOf(template: TemplateContent, base: string): string {
  const text = `<div class="text">${escaped(template.content ?? '')}</div>`
  if (template.type === 'text') return `<div class="bubble">${text}</div>`
  const links = linksOf(template)
  const actionAt = (position: number, label: string) => {
    const link = links.find((one) => one.position === position)
    if (!link) return ''
    const target = link.url === null ? '' : ` href="${escaped(link.url)}" rel="noreferrer" target="_blank"`
    return `<a class="action"${target}>${escaped(label)}</a>`
  }
  if (template.type === 'text_button') {
    const buttons = partsOf(template).map(({ label }, position) => actionAt(position, label))
    return `<div class="bubble">${text}${buttons.join('')}</div>`
  }
  const isCard = template.type === 'image_card'
  const bubbles = template.carousel_items.map(({ image_url: url, title, description, price }, position) => {
    const image = `<img src="${escaped(imageAddress(url, base))}" alt="${escaped(title ?? '')}">`
    const texts = [
      title === null ? '' : `<div class="title">${escaped(title)}</div>`,
      description === null ? '' : `<div class="note">${escaped(description)}</div>`,
      price === null ? '' : `<div class="price">${priceText(price)}</div>`,
    ].join('')
    const body = texts === '' ? '' : `<div class="body">${texts}</div>`
    const button = isCard ? actionAt(position, CARD_LABEL) : ''
    return `<div class="bubble ${isCard ? 'card' : 'picture'}">${image}${body}${button}</div>`
  })
  return bubbles.join('')
}

import { describe, expect, it } from 'vitest'
import { faultsOf } from './limits.ts'

const uri = { type: 'uri', label: '看', uri: 'https://hotel.com' }
const at = (message: object) => faultsOf([message]).map(({ property }) => property.replace('messages[0].', ''))
const template = (fields: object) => at({ type: 'template', altText: 'a', template: fields })
const flex = (contents: object) => at({ type: 'flex', altText: 'a', contents })
const column = (change: object = {}) => ({ text: 'a', actions: [uri], ...change })
const carousel = (...columns: object[]) => template({ type: 'carousel', columns })
const buttons = (change: object) => template({ type: 'buttons', text: 'a', actions: [uri], ...change })
const bubble = (change: object = {}) => ({ type: 'bubble', body: box([{ type: 'text', text: 'a' }]), ...change })
const box = (contents: object[]) => ({ type: 'box', layout: 'vertical', contents })
const many = <Item>(count: number, one: Item): Item[] => Array.from({ length: count }, () => one)
const image = (change: object = {}) => ({ type: 'image', url: 'https://cdn.hotel.com/1.jpg', ...change })

describe('LINE’s limits', () => {
  it.each<[string, string[], string[]]>([
    ['text of 5,000 and 5,001 units', at({ type: 'text', text: 'a'.repeat(5000) }), []],
    ['', at({ type: 'text', text: 'a'.repeat(5001) }), ['text']],
    ['blank text', at({ type: 'text', text: ' \n' }), ['text']],
    ['alt text', at({ type: 'flex', altText: 'a'.repeat(1501), contents: bubble() }), ['altText']],
    ['13 quick replies', at({ type: 'text', text: 'a', quickReply: { items: many(13, { action: uri }) } }), []],
    ['14', at({ type: 'text', text: 'a', quickReply: { items: many(14, { action: uri }) } }), ['quickReply.items']],
    [
      'pictures over http',
      at({ type: 'image', originalContentUrl: 'http://a.tw', previewImageUrl: 'https://a.tw' }),
      ['originalContentUrl'],
    ],
    ['an unknown message', at({ type: 'constructor' }), ['type']],
    ['a buttons text of 160 graphemes', buttons({ text: '👨‍👩‍👧'.repeat(160) }), []],
    ['of 161', buttons({ text: 'a'.repeat(161) }), ['template.text']],
    ['of 61 with a title', buttons({ text: 'a'.repeat(61), title: 't' }), ['template.text']],
    ['a title of 41', buttons({ title: 't'.repeat(41) }), ['template.title']],
    ['five buttons', buttons({ actions: many(5, uri) }), ['template.actions']],
    ['a label of 20 graphemes', buttons({ actions: [{ ...uri, label: '👨‍👩‍👧'.repeat(20) }] }), []],
    ['of 21', buttons({ actions: [{ ...uri, label: 'a'.repeat(21) }] }), ['template.actions[0].label']],
    ['a script', buttons({ actions: [{ ...uri, uri: 'javascript:a' }] }), ['template.actions[0].uri']],
    [
      'an address beyond ASCII',
      buttons({ actions: [{ ...uri, uri: 'https://a.tw/字' }] }),
      ['template.actions[0].uri'],
    ],
    [
      'an address of 1,001',
      buttons({ actions: [{ ...uri, uri: `https://${'a'.repeat(993)}` }] }),
      ['template.actions[0].uri'],
    ],
    [
      'postback data of 301',
      buttons({ actions: [{ type: 'postback', label: 'a', data: 'a'.repeat(301) }] }),
      ['template.actions[0].data'],
    ],
    ['a confirm with one action', template({ type: 'confirm', text: 'a', actions: [uri] }), ['template.actions']],
    ['ten columns', carousel(...many(10, column())), []],
    ['eleven', carousel(...many(11, column())), ['template.columns']],
    ['columns of different actions', carousel(column(), column({ actions: [uri, uri] })), ['template.columns']],
    ['of different titles', carousel(column(), column({ title: 't' })), ['template.columns']],
    ['of different images', carousel(column(), column({ thumbnailImageUrl: 'https://a.tw' })), ['template.columns']],
    ['a column’s text of 121', carousel(column({ text: 'a'.repeat(121) })), ['template.columns[0].text']],
    ['four actions in a column', carousel(column({ actions: many(4, uri) })), ['template.columns[0].actions']],
    [
      'a label of 13 in an image carousel',
      template({
        type: 'image_carousel',
        columns: [{ imageUrl: 'https://a.tw', action: { ...uri, label: 'a'.repeat(13) } }],
      }),
      ['template.columns[0].action.label'],
    ],
    ['twelve bubbles', flex({ type: 'carousel', contents: many(12, bubble()) }), []],
    ['thirteen', flex({ type: 'carousel', contents: many(13, bubble()) }), ['contents.contents']],
    ['a bubble over 30 KB', flex(bubble({ body: box([{ type: 'text', text: 'a'.repeat(30 * 1024) }]) })), ['contents']],
    [
      'a carousel over 50 KB',
      flex({
        type: 'carousel',
        contents: many(3, bubble({ body: box([{ type: 'text', text: 'a'.repeat(18_000) }]) })),
      }),
      ['contents'],
    ],
    ['an empty bubble', flex({ type: 'bubble' }), ['contents']],
    ['an empty text', flex(bubble({ body: box([{ type: 'text', text: '' }]) })), ['contents.body.contents[0].text']],
    ['a picture over http', flex(bubble({ hero: image({ url: 'http://a.tw' }) })), ['contents.hero.url']],
    ['a ratio higher than 1:3', flex(bubble({ hero: image({ aspectRatio: '1:4' }) })), ['contents.hero.aspectRatio']],
    [
      'a button without a label',
      flex(bubble({ footer: box([{ type: 'button', action: { type: 'uri', uri: 'https://a.tw' } }]) })),
      ['contents.footer.contents[0].action.label'],
    ],
    [
      'an imagemap',
      at({
        type: 'imagemap',
        altText: 'a',
        baseUrl: 'https://a.tw',
        baseSize: { width: 1040, height: 520 },
        actions: [{ type: 'uri', linkUri: 'https://a.tw' }],
      }),
      [],
    ],
    [
      'of another width',
      at({
        type: 'imagemap',
        altText: 'a',
        baseUrl: 'https://a.tw',
        baseSize: { width: 700, height: 520 },
        actions: [],
      }),
      ['baseSize.width'],
    ],
  ])('%s', (_what, faults, expected) => {
    expect(faults).toEqual(expected)
  })

  it('allow 1 to 5 messages', () => {
    const text = { type: 'text', text: 'a' }
    expect([[], many(5, text), many(6, text), null].map((all) => faultsOf(all).length)).toEqual([1, 0, 1, 1])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf } from '../../demo/line/limits.ts'
import { templateFaults } from './faults.ts'
import { linksOf } from './links.ts'
import { previewTemplate } from './preview.ts'
import { priceText, renderTemplate } from './render.ts'
import type { CarouselItem, TemplateContent } from './types.ts'

const EMPTY: TemplateContent = {
  type: 'text',
  name: 'A',
  content: null,
  buttons: null,
  notification_text: null,
  preview_text: null,
  interaction_tag_id: null,
  interaction_result: null,
  carousel_items: [],
}
const item = (change: Partial<CarouselItem> = {}): CarouselItem => ({
  image_url: 'https://cdn.hotel.com/1.jpg',
  title: '標題',
  description: null,
  price: null,
  action_url: 'https://hotel.com/a',
  interaction_tag_id: null,
  sort_order: 0,
  ...change,
})
const text = (content: string): TemplateContent => ({ ...EMPTY, content })
const buttons = (change: Partial<TemplateContent> = {}): TemplateContent => ({
  ...EMPTY,
  type: 'text_button',
  content: '本週優惠',
  buttons: [{ label: '看看', action_url: 'https://hotel.com/a', interaction_tag_id: null }],
  ...change,
})
const cards = (...items: CarouselItem[]): TemplateContent => ({ ...EMPTY, type: 'image_card', carousel_items: items })
const picture = (...items: CarouselItem[]): TemplateContent => ({
  ...EMPTY,
  type: 'image_click',
  carousel_items: items,
})

const options = {
  uriOf: ({ position }: { readonly position: number }) => `https://booking.example.com/t/{token}-${position}`,
  postbackOf: ({ position }: { readonly position: number }) => `crm:{token}-${position}`,
  openImageUri: 'https://booking.example.com/o/{token}.png',
  base: 'https://booking.example.com',
}
const faultsIn = (template: TemplateContent) => templateFaults(template).map(({ path }) => path)

describe('A template', () => {
  it.each<[string, TemplateContent, string[]]>([
    ['a text of 5,000 units', text('x'.repeat(5000)), []],
    ['a longer text', text('x'.repeat(5001)), ['/content']],
    ['emoji by UTF-16 units', text('🏨'.repeat(2501)), ['/content']],
    ['no text', text('  '), ['/content']],
    [
      'a label of 20 graphemes',
      buttons({ buttons: [{ label: '👨‍👩‍👧'.repeat(20), action_url: 'https://a.tw', interaction_tag_id: null }] }),
      [],
    ],
    [
      'a label of 21',
      buttons({ buttons: [{ label: '字'.repeat(21), action_url: 'https://a.tw', interaction_tag_id: null }] }),
      ['/buttons/0/label'],
    ],
    ['no buttons', buttons({ buttons: [] }), ['/buttons']],
    [
      'five buttons',
      buttons({ buttons: Array(5).fill({ label: 'a', action_url: 'https://a.tw', interaction_tag_id: null }) }),
      ['/buttons'],
    ],
    [
      'a button that does nothing',
      buttons({ buttons: [{ label: 'a', action_url: null, interaction_tag_id: null }] }),
      ['/buttons/0/action_url'],
    ],
    ['a button with a tag only', buttons({ buttons: [{ label: 'a', action_url: null, interaction_tag_id: 5 }] }), []],
    [
      'a script',
      buttons({ buttons: [{ label: 'a', action_url: 'javascript:alert(1)', interaction_tag_id: null }] }),
      ['/buttons/0/action_url'],
    ],
    [
      'an address with a space',
      buttons({ buttons: [{ label: 'a', action_url: 'https://a.tw/a b', interaction_tag_id: null }] }),
      ['/buttons/0/action_url'],
    ],
    [
      'a phone number',
      buttons({ buttons: [{ label: 'a', action_url: 'tel:02-2345-6789', interaction_tag_id: null }] }),
      [],
    ],
    ['one picture', picture(item()), []],
    ['no picture', picture(), ['/carousel_items']],
    ['two pictures to click', picture(item(), item()), ['/carousel_items']],
    ['ten cards', cards(...Array.from({ length: 10 }, () => item())), []],
    ['eleven cards', cards(...Array.from({ length: 11 }, () => item())), ['/carousel_items']],
    ['a price of cents', cards(item({ price: 18000.1 }), item({ price: 99.99 })), []],
    ['a price of less than cents', cards(item({ price: 0.001 })), ['/carousel_items/0/price']],
    [
      'a picture over http',
      cards(item(), item({ image_url: 'http://cdn.hotel.com/1.jpg' })),
      ['/carousel_items/1/image_url'],
    ],
    ['an uploaded picture', cards(item({ image_url: '/static/uploads/images/templates/20260302_a.jpg' })), []],
    ['another path', cards(item({ image_url: '/api/v1/files/1' })), ['/carousel_items/0/image_url']],
    ['cards in a text', { ...text('a'), carousel_items: [item()] }, ['/carousel_items']],
    ['text in cards', { ...cards(item()), content: 'a' }, ['/content']],
    [
      'a result without an address',
      buttons({ interaction_result: { type: 'redirect', url: null, template_id: null } }),
      ['/interaction_result/url'],
    ],
    [
      'a result without a template',
      buttons({ interaction_result: { type: 'both', url: 'https://a.tw', template_id: null } }),
      ['/interaction_result/template_id'],
    ],
    [
      'a result with what its type has not',
      buttons({ interaction_result: { type: 'template', url: 'https://a.tw', template_id: 1 } }),
      ['/interaction_result/url'],
    ],
  ])('with %s is checked field by field', (_what, template, faults) => {
    expect(faultsIn(template)).toEqual(faults)
  })

  it('that is accepted is accepted by LINE too', () => {
    const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 25 })
    const url = fc.constantFrom('https://hotel.com/a', null, 'line://ti/p/@hotel', 'ftp://a')
    const button = fc.record({ label, action_url: url, interaction_tag_id: fc.option(fc.integer({ min: 1, max: 9 })) })
    const card = fc.record({
      image_url: fc.constantFrom('https://cdn.hotel.com/1.jpg', 'http://a', '/static/uploads/images/templates/a.jpg'),
      title: fc.option(fc.string({ unit: 'grapheme', maxLength: 50 })),
      description: fc.option(fc.string({ unit: 'grapheme', maxLength: 100 })),
      price: fc.option(fc.integer({ min: 0, max: 9_999_999 }).map((cents) => cents / 100)),
      action_url: url,
      interaction_tag_id: fc.constant(null),
      sort_order: fc.constant(0),
    })
    const template = fc.record({
      type: fc.constantFrom('text', 'text_button', 'image_click', 'image_card'),
      name: fc.constant('A'),
      content: fc.option(fc.string({ unit: 'grapheme', maxLength: 400 })),
      buttons: fc.option(fc.array(button, { maxLength: 5 })),
      notification_text: fc.option(fc.string({ minLength: 1, maxLength: 100 })),
      preview_text: fc.constant(null),
      interaction_tag_id: fc.option(fc.integer({ min: 1, max: 9 })),
      interaction_result: fc.constant(null),
      carousel_items: fc.array(card, { maxLength: 12 }),
    })
    let accepted = 0
    fc.assert(
      fc.property(template as fc.Arbitrary<TemplateContent>, (one) => {
        if (templateFaults(one).length > 0) return
        accepted += 1
        expect(faultsOf(renderTemplate(one, options).messages)).toEqual([])
      }),
      { numRuns: 2000 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  it('renders a text for many at once, and tapped parts for one person each', () => {
    const plain = renderTemplate(text('您好'), options)
    expect(plain).toEqual({ messages: [{ type: 'text', text: '您好' }], links: [], isPersonal: false, summary: '您好' })
    const tapped = renderTemplate(buttons(), options)
    expect(tapped.isPersonal).toBe(true)
    expect(tapped.messages[0]).toMatchObject({
      type: 'template',
      altText: '本週優惠',
      template: {
        type: 'buttons',
        text: '本週優惠',
        actions: [{ type: 'uri', label: '看看', uri: 'https://booking.example.com/t/{token}-0' }],
      },
    })
    const long = renderTemplate(buttons({ content: '字'.repeat(161) }), options).messages[0]
    expect(long?.type).toBe('flex')
    expect(renderTemplate(buttons({ content: '字'.repeat(160) }), options).messages[0]?.type).toBe('template')
  })

  it('has the tags of both levels, and the address of the part before that of the result', () => {
    const result = { type: 'both', url: 'https://hotel.com/b', template_id: 7 } as const
    const template = buttons({
      interaction_tag_id: 1,
      interaction_result: result,
      buttons: [
        { label: 'a', action_url: 'https://hotel.com/a', interaction_tag_id: 2 },
        { label: 'b', action_url: null, interaction_tag_id: 1 },
      ],
    })
    expect(linksOf(template)).toEqual([
      { position: 0, label: 'a', url: 'https://hotel.com/a', templateId: null, tagIds: [2, 1] },
      { position: 1, label: 'b', url: 'https://hotel.com/b', templateId: 7, tagIds: [1] },
    ])
    const inside = buttons({
      interaction_result: { type: 'template', url: null, template_id: 7 },
      buttons: [{ label: 'a', action_url: null, interaction_tag_id: null }],
    })
    expect(JSON.stringify(renderTemplate(inside, options).messages)).toContain(
      '{"type":"postback","label":"a","data":"crm:{token}-0"}',
    )
  })

  it('counts the opening of pictures once, and shows uploaded ones from this server', () => {
    const template = cards(item({ image_url: '/static/uploads/images/templates/a.jpg', price: 3200 }), item())
    const { messages, isPersonal, links } = renderTemplate(template, options)
    const json = JSON.stringify(messages)
    expect(json.match(/\/o\/\{token\}\.png/g)).toHaveLength(1)
    expect(json).toContain('https://booking.example.com/static/uploads/images/templates/a.jpg')
    expect(json).toContain('NT$3,200')
    expect([isPersonal, links.length]).toEqual([true, 2])
    expect(renderTemplate(picture(item({ action_url: null })), options).isPersonal).toBe(true)
  })

  it('shows a preview that escapes everything', () => {
    const html = previewTemplate(cards(item({ title: '<script>alert(1)</script>"' })), options.base).html
    expect(html).not.toContain('<script')
    expect(html).toContain('&lt;script&gt;')
    expect(html).toContain('了解更多')
  })

  it('writes prices as people do', () => {
    expect([priceText(3200), priceText(99.5), priceText(0), priceText(1234567.89)]).toEqual([
      'NT$3,200',
      'NT$99.50',
      'NT$0',
      'NT$1,234,567.89',
    ])
  })
})

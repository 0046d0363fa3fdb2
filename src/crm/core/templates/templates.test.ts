import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf } from '../../demo/line/limits.ts'
import { templateFaults } from './faults.ts'
import { linksOf } from './links.ts'
import { previewTemplate } from './preview.ts'
import { priceText, renderTemplate } from './render.ts'
import type { Button, CarouselItem, TemplateContent } from './types.ts'

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

const PICTURES = '/static/uploads/images/templates/'
const LONGEST = `https://a.tw/${'x'.repeat(487)}`
const toHotel = { type: 'redirect', url: 'https://hotel.com/b', template_id: null } as const
const button = (change: Partial<Button> = {}): Button => ({
  label: '看看',
  action_url: 'https://hotel.com/a',
  interaction_tag_id: null,
  ...change,
})

/** Templates without faults that go to the limits. */
const templates: fc.Arbitrary<TemplateContent> = (() => {
  const words = (most: number) =>
    fc.oneof(
      fc.constantFrom('x', '字', '"', '\\').map((unit) => unit.repeat(most)),
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: Math.floor(most / 20) + 1 })
        .map((some) => `a${some.replaceAll(/\p{Cc}/gu, '')}`.slice(0, most).toWellFormed()),
    )
  const url = fc.constantFrom('https://hotel.com/a', 'http://hotel.com', 'tel:+886223456789', 'line://ti/p/@a', LONGEST)
  const tag = fc.option(fc.integer({ min: 1, max: 9 }))
  const result = fc.option(
    fc.constantFrom(
      toHotel,
      { type: 'template', url: null, template_id: 7 } as const,
      { type: 'both', url: 'https://hotel.com/c', template_id: 7 } as const,
    ),
  )
  const said = fc.record({
    name: fc.option(words(100)),
    notification_text: fc.option(words(100)),
    preview_text: fc.option(words(100)),
  })
  const card = fc.record({
    image_url: fc.constantFrom('https://cdn.hotel.com/1.jpg', `${PICTURES}a.jpg`, LONGEST),
    title: fc.option(words(100)),
    description: fc.option(words(200)),
    price: fc.option(fc.integer({ min: 0, max: 9_999_999_999 }).map((cents) => cents / 100)),
    action_url: fc.option(url),
    interaction_tag_id: tag,
    sort_order: fc.constant(0),
  })
  const oneButton = fc.record({ label: words(20), action_url: url, interaction_tag_id: tag })
  const someButtons = fc.uniqueArray(oneButton, { minLength: 1, maxLength: 4, selector: ({ label }) => label })
  const of = <Own extends Partial<TemplateContent>>(own: fc.Arbitrary<Own>) =>
    fc.tuple(said, own).map(([one, other]): TemplateContent => ({ ...EMPTY, ...one, ...other }))
  const type = <const Type extends TemplateContent['type']>(one: Type) => fc.constant(one)
  const tapped = { interaction_tag_id: tag, interaction_result: result }
  const content = fc.oneof(words(160), words(5000))
  const items = fc.array(card, { minLength: 1, maxLength: 10 })
  return fc.oneof(
    of(fc.record({ type: type('text'), content })),
    of(fc.record({ type: type('text_button'), content, buttons: someButtons, ...tapped })),
    of(fc.record({ type: type('image_click'), carousel_items: fc.tuple(card), ...tapped })),
    of(fc.record({ type: type('image_card'), carousel_items: items, ...tapped })),
  )
})()

const wrongText = (most: number) =>
  fc.oneof(
    fc.constantFrom('x', '字', '🏨').map((unit) => unit.repeat(most + 1)),
    fc.constantFrom('', ' \n', 'a\u0000', 'a\u0085', '\udc00'),
  )
const wrongAddress = fc.constantFrom(
  ...['', 'javascript:alert(1)', 'data:text/html,a', 'ftp://a.tw', '//a.tw', 'https://', 'https://a b', `${LONGEST}x`],
)
type Broken = (template: TemplateContent) => [TemplateContent, string]
const inLastItem =
  (name: keyof CarouselItem, value: unknown): Broken =>
  (template) => {
    const items = [...template.carousel_items]
    const last = items.pop() ?? item()
    const wrong = { ...template, carousel_items: [...items, { ...last, [name]: value }] }
    return [wrong, `/carousel_items/${items.length}/${name}`]
  }
const inLastButton =
  (name: keyof Button, value: unknown): Broken =>
  (template) => {
    const all = [...(template.buttons ?? [])]
    const last = all.pop() ?? button()
    return [{ ...template, buttons: [...all, { ...last, [name]: value }] }, `/buttons/${all.length}/${name}`]
  }
const inField =
  (name: keyof TemplateContent, value: unknown): Broken =>
  (template) => [{ ...template, [name]: value }, `/${name}`]

const ALL = ['text', 'text_button', 'image_click', 'image_card']
const PICTURED = ['image_click', 'image_card']
const BREAKS: [string, string[], fc.Arbitrary<Broken>][] = [
  ['the name', ALL, wrongText(100).map((value) => inField('name', value))],
  ['the notification', ALL, wrongText(100).map((value) => inField('notification_text', value))],
  ['the preview', ALL, wrongText(100).map((value) => inField('preview_text', value))],
  ['the text', ['text', 'text_button'], wrongText(5000).map((value) => inField('content', value))],
  ['a label', ['text_button'], wrongText(20).map((value) => inLastButton('label', value))],
  ['a button’s address', ['text_button'], wrongAddress.map((value) => inLastButton('action_url', value))],
  ['a title', PICTURED, wrongText(100).map((value) => inLastItem('title', value))],
  ['a description', PICTURED, wrongText(200).map((value) => inLastItem('description', value))],
  ['a picture', PICTURED, wrongAddress.map((value) => inLastItem('image_url', value))],
  ['a card’s address', PICTURED, wrongAddress.map((value) => inLastItem('action_url', value))],
  ['the cards', PICTURED, fc.constant(inField('carousel_items', []))],
]

/** The stored addresses, as answers and previews have them. */
const plain = {
  uriOf: ({ url }: { readonly url: string }) => url,
  postbackOf: () => 'crm:none',
  openImageUri: null,
  base: 'https://booking.example.com',
}
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

  it.each<[string, TemplateContent, string[]]>([
    ['a blank notification', { ...text('a'), notification_text: ' \u200b' }, ['/notification_text']],
    ['a preview of 100 emoji', { ...text('a'), preview_text: '🏨'.repeat(100) }, []],
    ['a preview of 101', { ...text('a'), preview_text: '🏨'.repeat(101) }, ['/preview_text']],
    ['a name in two lines', { ...text('a'), name: 'a\nb' }, ['/name']],
    ['a text in two lines', text('a\nb\tc'), []],
    ['a bell in the text', text('a\u0007'), ['/content']],
    ['half a character', text('a\ud83c'), ['/content']],
    ['the place of a token in the text', text('a {token}'), ['/content']],
    ['a tag on a text', { ...text('a'), interaction_tag_id: 1 }, ['/interaction_tag_id']],
    ['a result on a text', { ...text('a'), interaction_result: toHotel }, ['/interaction_result']],
    ['buttons on cards', { ...cards(item()), buttons: [button()] }, ['/buttons']],
    ['two buttons of one label', buttons({ buttons: [button(), button()] }), ['/buttons/1/label']],
    ['a label in two lines', buttons({ buttons: [button({ label: 'a\nb' })] }), ['/buttons/0/label']],
    [
      'a label of one grapheme and 201 units',
      buttons({ buttons: [button({ label: `a${'\u0301'.repeat(200)}` })] }),
      ['/buttons/0/label'],
    ],
    ['a title of 100 characters', cards(item({ title: '字'.repeat(100) })), []],
    ['a title of 101', cards(item({ title: '字'.repeat(101) })), ['/carousel_items/0/title']],
    ['a blank title', cards(item({ title: '　' })), ['/carousel_items/0/title']],
    ['a description of 201', cards(item({ description: '字'.repeat(201) })), ['/carousel_items/0/description']],
    ['a log-in in an address', cards(item({ action_url: 'https://a:b@hotel.com' })), ['/carousel_items/0/action_url']],
    ['a backslash in an address', cards(item({ action_url: 'https://a\\b' })), ['/carousel_items/0/action_url']],
    ['an address without a host', cards(item({ action_url: 'https:///a' })), ['/carousel_items/0/action_url']],
    ['an address that fits', cards(item({ action_url: LONGEST })), []],
    [
      'an address that is too long once encoded',
      cards(item({ action_url: `https://a.tw/${'字'.repeat(55)}` })),
      ['/carousel_items/0/action_url'],
    ],
    ['a folder above the pictures', cards(item({ image_url: `${PICTURES}../a.jpg` })), ['/carousel_items/0/image_url']],
  ])('with %s is checked for what LINE does not say', (_what, template, faults) => {
    expect(faultsIn(template)).toEqual(faults)
  })

  it('that is accepted is accepted by LINE too', () => {
    fc.assert(
      fc.property(templates, (template) => {
        expect(templateFaults(template)).toEqual([])
        expect(faultsOf(renderTemplate(template, options).messages)).toEqual([])
        expect(faultsOf(renderTemplate(template, plain).messages)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it.each(BREAKS)('that breaks the limit of %s is refused with that field', (_what, types, breaking) => {
    fc.assert(
      fc.property(
        templates.filter(({ type }) => types.includes(type)),
        breaking,
        (template, broken) => {
          const [wrong, field] = broken(template)
          expect(faultsIn(wrong)).toEqual([field])
        },
      ),
      { numRuns: 60 },
    )
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

import { expect, test } from 'vitest'
import { compactJson } from './compactJson.ts'

test('text that fits in a line stays in one, and longer text is divided', () => {
  const value = {
    name: 'a "b"',
    list: [1, null, { x: true }],
    none: {},
    empty: [],
    long: ['x'.repeat(60), 'y'.repeat(60)],
  }
  expect(compactJson(value).split('\n')).toEqual([
    '{',
    '  "name": "a \\"b\\"",',
    '  "list": [1, null, { "x": true }],',
    '  "none": {},',
    '  "empty": [],',
    '  "long": [',
    `    "${'x'.repeat(60)}",`,
    `    "${'y'.repeat(60)}"`,
    '  ]',
    '}',
  ])
})

test('no line is longer than 120 characters if it can be divided, and no text is lost', () => {
  for (let length = 90; length < 130; length++) {
    const value = { outer: { inner: [{ a: 'x'.repeat(length), b: 1 }] } }
    const text = compactJson(value)
    expect(JSON.parse(text)).toEqual(value)
    const divisible = text.split('\n').filter((line) => /[[{].*,/.test(line))
    expect(divisible.every((line) => line.length <= 120)).toBe(true)
  }
})

import { expect, it } from 'vitest'
import { createGate } from './gate.ts'

it('lets so many works of a key run at a time, the others in their order, also after one has failed', async () => {
  const gate = createGate(2)
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const work = (key: number, name: string) =>
    gate.through(key, async () => {
      begun.push(name)
      const end = Promise.withResolvers<void>()
      ends.set(name, end)
      await end.promise
      return name
    })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => work(1, name))
  const other = work(2, 'other')
  await turn()
  expect(begun).toEqual(['a', 'b', 'other'])
  ends.get('b')?.reject(new Error('failed'))
  await expect(b).rejects.toThrow('failed')
  await turn()
  expect(begun).toEqual(['a', 'b', 'other', 'c'])
  for (const name of ['a', 'c']) ends.get(name)?.resolve()
  await turn()
  ends.get('d')?.resolve()
  ends.get('other')?.resolve()
  expect(await Promise.all([a, c, d, other])).toEqual(['a', 'c', 'd', 'other'])
})

import { expect, it } from 'vitest'
import { strengthOf } from './strength.ts'

/** Milliseconds of this thread's processor time that the work takes. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

it('judges passwords by zxcvbn, with the person’s own words', async () => {
  expect(await strengthOf('password1', [])).toMatchObject({ score: 0, suggestions: [expect.any(String)] })
  expect((await strengthOf('violet-harbour-42', [])).score).toBeGreaterThanOrEqual(3)
  const own = await strengthOf('linxiaoming77', ['linxiaoming'])
  expect(own.score).toBeLessThan((await strengthOf('linxiaoming77', [])).score)
})

it('leaves this thread free, and refuses more than it can judge soon', async () => {
  // A text in which everything could be a word, a year, a repeat or a keyboard pattern.
  const hard = 'qwqwertyuiop1qaz2wsx3edc4rfv5tgb'
  const answers = Promise.allSettled(Array.from({ length: 60 }, (_, n) => strengthOf(`${hard}${n}`, [])))
  const time = await processorTime(() => answers)
  const settled = await answers
  const judged = settled.filter(({ status }) => status === 'fulfilled').length
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
  expect([judged, new Set(refused)]).toEqual([50, new Set(['busy'])])
  expect(time).toBeLessThan(500)
})

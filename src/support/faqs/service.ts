import { changesBetween } from '../../kernel/audit/changes.ts'
import { originOf } from '../../kernel/audit/origin.ts'
import type { PageOf } from '../../kernel/database/lists.ts'
import { NotFound } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { askedTerms, RELEVANT, termsOf } from './rules.ts'
import * as store from './store.ts'

export interface FaqInput {
  readonly category?: string
  readonly question: string
  readonly answer: string
  readonly keywords?: string
  readonly position?: number
  readonly published?: boolean
}

const noSuchFaq = () => new NotFound('not_found', 'There is no such question.')

/** One page of frequent questions; with `q` the best matches first. */
export async function listFaqs(
  kernel: Kernel,
  filter: {
    readonly category?: string | undefined
    readonly published?: boolean | undefined
    readonly q?: string | undefined
  },
  page: PageOf<store.FaqSort>,
): Promise<{ items: readonly store.Faq[]; total: number }> {
  const { category, published, q } = filter
  const asked = q === undefined ? undefined : { text: q, terms: askedTerms(q) }
  return kernel.withRetries((db) => store.listFaqs(db, { category, published, asked }, page))
}

/** One frequent question. Without `drafts` only a published one. @throws NotFound */
export async function getFaq(kernel: Kernel, id: number, drafts: boolean): Promise<store.Faq> {
  const faq = await kernel.withRetries((db) => store.findFaq(db, id))
  if (!faq || (!faq.published && !drafts)) throw noSuchFaq()
  return faq
}

/** The published entries that answer a question, best first; none if nothing fits well enough. */
export async function answersTo(
  kernel: Pick<Kernel, 'db'>,
  question: string,
  limit: number,
): Promise<readonly store.Faq[]> {
  const found = await store.bestFaqs(kernel.db, askedTerms(question), limit)
  return found.filter(({ share }) => share >= RELEVANT)
}

/** Adds a frequent question. */
export async function addFaq(kernel: Kernel, caller: Caller, input: FaqInput): Promise<store.Faq> {
  const { category = '其他', keywords = '', position = 0, published = true } = input
  const added = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const text = { ...input, category, keywords, position, published }
    const faq = await store.addFaq(tx, withTerms(text), now)
    const changes = changesBetween(null, text)
    await record(tx, now, { ...originOf(caller), action: 'faq.create', resource: 'faq', resourceId: faq.id, changes })
    return faq
  })
  kernel.nudge()
  return added
}

const withTerms = (text: Omit<store.FaqText, 'terms' | 'questionTerms'>): store.FaqText => ({
  ...text,
  questionTerms: termsOf(`${text.question} ${text.keywords}`),
  terms: termsOf(`${text.question} ${text.keywords} ${text.category} ${text.answer}`),
})

const editable = ({ category, question, answer, keywords, position, published }: store.Faq) => ({
  category,
  question,
  answer,
  keywords,
  position,
  published,
})

/** Changes a frequent question; fields that are not given keep their value. @throws NotFound */
export async function changeFaq(
  kernel: Kernel,
  caller: Caller,
  id: number,
  input: Partial<FaqInput>,
): Promise<store.Faq> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockFaq(tx, id)
    if (!before) throw noSuchFaq()
    const text = { ...editable(before), ...input }
    await store.setFaq(tx, id, withTerms(text), now)
    const changes = changesBetween(editable(before), text)
    await record(tx, now, { ...originOf(caller), action: 'faq.update', resource: 'faq', resourceId: id, changes })
  })
  kernel.nudge()
  return getFaq(kernel, id, true)
}

/** Deletes a frequent question. @throws NotFound */
export async function removeFaq(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await kernel.transaction(async (tx) => {
    const before = await store.deleteFaq(tx, id)
    if (!before) throw noSuchFaq()
    const changes = changesBetween(editable(before), null)
    const operation = { ...originOf(caller), action: 'faq.delete', resource: 'faq', resourceId: id, changes }
    await record(tx, kernel.clock.now(), operation)
  })
  kernel.nudge()
}

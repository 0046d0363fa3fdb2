import { problemContract } from '../kernel/http/answer/problem.ts'
import type { Contract } from '../kernel/product.ts'

/** Venue answers plain objects and, for refusals, problem documents with real statuses (kernel page, section 3). */
export const contract: Contract = { ...problemContract, sparseAnswers: true }

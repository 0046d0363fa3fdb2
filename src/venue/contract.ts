/** Venue answers plain objects and, for refusals, problem documents with real statuses (kernel page, section 3). */
export { plainContract as contract } from '../kernel/http/answer/problem.ts'

/** Answers are plain JSON objects; errors are problem documents with real HTTP statuses (kernel page, section 3). */
export { plainContract as contract } from '../kernel/http/answer/problem.ts'

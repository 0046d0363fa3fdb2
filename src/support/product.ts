import { plainContract } from '../kernel/http/answer/problem.ts'
import type { Part } from '../kernel/product.ts'
import { answerForgotten, answerMessage } from './chat/answer.ts'
import { ANSWER_JOB, closeIdleChats } from './chat/service.ts'
import { handSupportOver, leaveSupport } from './leaving.ts'
import { supportNotificationTypes } from './notificationTypes.ts'
import { permissions, roles } from './permissions.ts'
import { supportRoutes } from './routes.ts'
import { personalRecords } from './store.ts'
import { tags } from './tags.ts'

/** The manifest of support: feedback, frequent questions, tickets and chat. SUPPORT switches it on. */
export const support: Part = {
  name: 'support',
  title: 'Support 客服',
  description: 'Feedback, frequent questions, tickets, and a chat in which a bot answers first.',
  tags,
  permissions,
  roles,
  notificationTypes: supportNotificationTypes,
  jobs: [
    { name: ANSWER_JOB, run: answerMessage },
    { name: 'support.forgotten', cron: '* * * * *', run: answerForgotten },
    { name: 'support.idle-chats', cron: '7 * * * *', run: closeIdleChats },
  ],
  contract: plainContract,
  tokenUrl: '/api/v1/users/login',
  beforeUserLeaves: leaveSupport,
  afterRightsChange: handSupportOver,
  personalRecords: ({ reads }, userId) => personalRecords(reads, userId),
  routes: supportRoutes,
}

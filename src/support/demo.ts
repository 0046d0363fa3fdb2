import type { Caller } from '../kernel/http/request/caller.ts'
import { rolesWith } from '../kernel/identity/staff.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { addFaq } from './faqs/service.ts'
import { addToFeedback, giveFeedback, reply } from './feedback/service.ts'
import { MANAGE } from './permissions.ts'
import { changeTicket, openTicket, reply as replyToTicket } from './tickets/service.ts'

const FAQS: readonly {
  readonly category: string
  readonly question: string
  readonly answer: string
  readonly keywords?: string
}[] = [
  {
    category: '预约',
    question: '如何取消预约？',
    answer: '打开“我的预约”，选择要取消的预约，点“取消”。临近开始时取消会扣除信用分，积分也不再退还。',
    keywords: '退订 撤销',
  },
  {
    category: '预约',
    question: '时段已满怎么办？',
    answer: '可以加入等候列表。有空位时会按先后顺序为您保留一段时间，请在此期间确认。',
    keywords: '候补 排队 约满 没有名额',
  },
  {
    category: '签到',
    question: '怎么签到？迟到了还能入场吗？',
    answer:
      '开始前后 15 分钟内，在“我的预约”里签到；有的场馆还要扫门口的二维码。逾期未签到记为爽约，名额让给等候的同事。',
    keywords: '扫码 二维码 爽约',
  },
  {
    category: '信用',
    question: '信用分怎样恢复？',
    answer: '每次按时赴约加 1 分，最高 100 分。爽约扣 10 分，临近开始时取消扣 3 分。',
    keywords: '扣分 加分 黑名单',
  },
  {
    category: '场馆',
    question: '游泳馆有什么要求？',
    answer: '请先淋浴，戴泳帽入池。饮酒后请勿下水。',
    keywords: '泳池 泳帽 水深',
  },
]

/**
 * Adds frequent questions, answered feedback, and a ticket in progress. Adds nothing if support is switched off,
 * because no role has its permissions then.
 */
export async function playSupport(kernel: Kernel, admin: Caller, employee: Caller, venueId: number): Promise<void> {
  if (rolesWith(kernel, MANAGE).length === 0) return
  for (const [index, faq] of FAQS.entries()) await addFaq(kernel, admin, { ...faq, position: (index + 1) * 10 })
  const { id } = await giveFeedback(kernel, employee, {
    type: 'suggestion',
    title: '羽毛球馆灯光',
    content: '靠门一侧的灯有点暗，晚上看不清球，希望换亮一些的灯。',
    venue_id: venueId,
    rating: 4,
  })
  await reply(kernel, admin, id, '感谢建议，本周内会更换两盏灯。')
  await giveFeedback(kernel, employee, { type: 'praise', content: '等候列表很好用，昨天等到了位置。' })
  const late = await giveFeedback(kernel, employee, { type: 'problem', content: '更衣室 3 号柜打不开。' })
  await reply(kernel, admin, late.id, '已报修。')
  await addToFeedback(kernel, employee, late.id, '今天看到修好了，谢谢。')
  const ticket = await openTicket(kernel, employee, {
    subject: '换手机后收不到提醒',
    description: '换了新手机以后收不到预约提醒，邮箱没有变。',
    category: '账号',
  })
  await changeTicket(kernel, admin, ticket.id, { status: 'in_progress', assignee: admin.userId })
  await replyToTicket(kernel, admin, ticket.id, '请在“我的资料”里核对邮箱，然后再预约一次试试。')
  await changeTicket(kernel, admin, ticket.id, { status: 'waiting' })
}

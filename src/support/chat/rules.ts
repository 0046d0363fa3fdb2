export const CHAT_STATUSES = ['bot', 'queued', 'agent', 'closed'] as const
export type ChatStatus = (typeof CHAT_STATUSES)[number]

export const AUTHORS = ['user', 'bot', 'agent', 'system'] as const
export type Author = (typeof AUTHORS)[number]

export const EVENTS = ['opened', 'handover', 'accepted', 'transferred', 'closed'] as const
export type ChatEvent = (typeof EVENTS)[number]

/** Greatest number of characters of the sender's own id of a message. */
export const CLIENT_ID_LENGTH = 64

/** Hours without a message after which a session ends by itself. */
export const IDLE_HOURS = 24

// Excludes words such as 人工草坪 and 人工湖, which are places.
const human =
  /人工(?!草|湖|智能|呼吸|合成|塑胶|雪|岩)|真人|转接?客服|客服人员|\b(?:human|real person|live agent|speak to an? agent)\b/iu

/** Greatest length of a message that may ask for a human: longer messages mention people for other reasons. */
const SHORT = 40

/** True if a message asks for a human. */
export function asksForHuman(content: string): boolean {
  return [...content].length <= SHORT && human.test(content)
}

/** Texts of system messages in the history. */
export const TEXTS = {
  opened: '您好，我是智能客服，请问有什么可以帮您？输入“人工”可转人工客服。',
  handover: '正在为您转接人工客服，请稍候。',
  accepted: (name: string) => `客服 ${name} 已接入，为您服务。`,
  transferred: (name: string) => `会话已转给客服 ${name}。`,
  requeued: '正在为您转接其他客服，请稍候。',
  closed: '会话已结束，感谢您的咨询。',
  idle: '会话因长时间没有消息已自动结束。',
} as const

/** Returns a trimmed text of 1 to `max` characters with at least one visible character, or undefined. */
export function readText(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0')) return undefined
  const text = value.trim()
  if (!/[^\s\u200B-\u200F\u2060\uFEFF]/.test(text)) return undefined
  return [...text].length <= max ? text : undefined
}

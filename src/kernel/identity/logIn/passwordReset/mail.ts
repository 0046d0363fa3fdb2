import type { User } from '../../accounts/users.ts'

interface Words {
  readonly subject: string
  readonly text: (code: string) => string
}

const words: Readonly<Record<User['locale'], Words>> = {
  'zh-CN': {
    subject: '重置密码验证码',
    text: (code) =>
      `您的验证码是 ${code}，10 分钟内有效，仅可使用一次。\n\n如果不是您本人操作，请忽略本消息，您的密码不会改变。`,
  },
  'zh-TW': {
    subject: '重設密碼驗證碼',
    text: (code) =>
      `您的驗證碼是 ${code}，10 分鐘內有效，僅可使用一次。\n\n如果不是您本人操作，請忽略本訊息，您的密碼不會改變。`,
  },
  en: {
    subject: 'Your code for a new password',
    text: (code) =>
      `Your code is ${code}. It is valid for 10 minutes and works once.\n\n` +
      'If you did not ask for it, ignore this message: your password stays as it is.',
  },
}

/**
 * The message that carries a code, in the person's language. The subject never contains the code, because locked
 * screens show it.
 */
export function codeMail(locale: User['locale'], code: string): { readonly subject: string; readonly text: string } {
  const { subject, text } = words[locale]
  return { subject, text: text(code) }
}

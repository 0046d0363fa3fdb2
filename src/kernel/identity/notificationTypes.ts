import type { NotificationType } from '../notifications/types.ts'

/** What the kernel itself tells people about their accounts. */
export const identityNotificationTypes: readonly NotificationType[] = [
  {
    key: 'account.welcome',
    title: '欢迎',
    category: 'account',
    urgent: false,
    channels: ['email'],
    subject: '欢迎加入，{{ display_name }}',
    body: '您好，{{ display_name }}：\n\n您的账号 {{ username }} 已创建，现在可以登录并预约了。',
    sample: { username: 'zhangsan', display_name: '张三' },
  },
  {
    key: 'account.new_place',
    title: '异地登录提醒',
    category: 'account',
    urgent: true,
    channels: ['email'],
    subject: '您的账号在新的地点登录',
    body:
      '您的账号 {{ username }} 于 {{ time }} 在新的地点登录。\n\nIP 地址：{{ address }}\n设备：{{ user_agent }}\n\n' +
      '如果不是您本人操作，请立即修改密码，其他设备会随之退出登录。',
    sample: {
      username: 'zhangsan',
      time: '2026-03-14T09:30:00+08:00',
      address: '203.0.113.7',
      user_agent: 'Mozilla/5.0',
    },
  },
]

import type { NotificationType } from '../notifications/texts/types.ts'

/** Messages of the kernel to people about their accounts. */
export const identityNotificationTypes: readonly NotificationType[] = [
  {
    key: 'account.welcome',
    title: '欢迎',
    category: 'account',
    urgent: false,
    channels: ['websocket', 'email'],
    subject: '欢迎加入，{{ display_name }}',
    body: '您好，{{ display_name }}：\n\n您的账号 {{ username }} 已创建，现在可以登录并预约了。',
    sample: { username: 'zhangsan', display_name: '张三' },
  },
  {
    key: 'account.new_place',
    title: '异地登录提醒',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
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
  {
    key: 'account.contact_changed',
    title: '联系方式已变更',
    category: 'account',
    urgent: true,
    channels: ['email'],
    subject: '您的账号联系方式已变更',
    body:
      '您的账号 {{ username }} 的' +
      '{% if email %}邮箱{% endif %}{% if email and phone %}和{% endif %}{% if phone %}手机号{% endif %}' +
      '已于 {{ time }} 变更，此前获取的重置密码验证码已失效。\n\n如果不是您本人操作，请立即联系管理员。',
    sample: { username: 'zhangsan', time: '2026-03-14T09:30:00+08:00', email: true, phone: false },
  },
  {
    key: 'account.identity_linked',
    title: '第三方账号已绑定',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的账号已绑定{{ provider }}',
    body:
      '您的账号 {{ username }} 已于 {{ time }} 绑定{{ provider }}，此后可以用它登录。\n\n' +
      '如果不是您本人操作，请立即解除绑定并修改密码。',
    sample: { username: 'zhangsan', provider: '微信', time: '2026-03-14T09:30:00+08:00' },
  },
  {
    key: 'account.identity_unlinked',
    title: '第三方账号已解绑',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的账号已解除绑定{{ provider }}',
    body:
      '您的账号 {{ username }} 已于 {{ time }} 解除绑定{{ provider }}，此后不能再用它登录。\n\n' +
      '如果不是您本人操作，请立即修改密码并联系管理员。',
    sample: { username: 'zhangsan', provider: '微信', time: '2026-03-14T09:30:00+08:00' },
  },
  {
    key: 'account.password_reset',
    title: '密码已重置',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的密码已重置',
    body:
      '您的账号 {{ username }} 的密码已于 {{ time }} 通过验证码重置，所有设备已退出登录。\n\nIP 地址：{{ address }}\n\n' +
      '如果不是您本人操作，请立即联系管理员。',
    sample: { username: 'zhangsan', time: '2026-03-14T09:30:00+08:00', address: '203.0.113.7' },
  },
  {
    key: 'account.password_expiring',
    title: '密码即将过期',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的密码将于 {{ date }} 过期',
    body: '您的账号 {{ username }} 的密码将于 {{ date }} 过期，请在此之前修改密码。',
    sample: { username: 'zhangsan', date: '2026-03-21' },
  },
  {
    key: 'account.leaving',
    title: '账号即将注销',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的账号将于 {{ date }} 注销',
    body:
      '您已申请注销账号 {{ username }}。账号和个人信息将于 {{ date }} 删除，未来的预约将被取消。\n\n' +
      '在此之前登录即可撤销注销。如果不是您本人操作，请立即登录并修改密码。',
    sample: { username: 'zhangsan', date: '2026-03-21' },
  },
  {
    key: 'account.stays',
    title: '注销已撤销',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的账号注销申请已撤销',
    body: '您的账号 {{ username }} 已重新登录，注销申请已撤销，账号保持不变。',
    sample: { username: 'zhangsan' },
  },
]

import { type DomainError, type FieldError, Invalid } from '../kernel/errors.ts'

/** Codes of the envelope (seed 标准错误码定义; page and clients for the rest). */
export const CODES = {
  unknown: 97,
  http: 98,
  request: 99,
  registration: 100,
  logIn: 101,
  authority: 102,
  user: 103,
  profile: 104,
  token: 105,
  notFound: 106,
  soldOut: 1001,
  duplicate: 1002,
  tooMany: 1003,
  waitingNotNeeded: 1005,
  alreadyWaiting: 1006,
  tooLate: 1006,
  nothingToConvert: 1008,
} as const

export type Code = (typeof CODES)[keyof typeof CODES]

/** `message.error` of each code; others are business refusals. */
const TITLES: Readonly<Record<number, string>> = {
  97: '未知错误',
  98: 'HTTP错误',
  99: '请求参数错误',
  100: '注册失败',
  101: '登录失败',
  102: '权限不足',
  103: '用户获取失败',
  104: '用户信息更新失败',
  105: 'Token失效',
  106: '资源错误',
}

export function titleOf(code: number): string {
  return TITLES[code] ?? '业务错误'
}

/**
 * The error for a refusal by a rule, with its code in the envelope and a Chinese sentence for people that says what to
 * do. The HTTP status is 200, unless `http` is given (seed: `register-admin`).
 */
export function refusal(
  code: Code,
  id: string,
  msg: string,
  { http = 200 }: { readonly http?: 200 | 400 | 403 } = {},
): Invalid {
  return new Invalid(id, msg, { status: 422, facts: { code, http } })
}

/** The error for a thing that does not exist, or that the caller may not know about: code 106. */
export function missing(what: string): Invalid {
  return refusal(CODES.notFound, 'not_found', `${what}不存在`)
}

/** The error for what the caller may not do with this object, although they have the right in general: code 102. */
export function notAllowed(msg = '无权限'): Invalid {
  return refusal(CODES.authority, 'not_allowed', msg)
}

/** Chinese sentences for the kernel's errors, by code. This product's own errors are in Chinese already. */
const SENTENCES: Readonly<Record<string, string>> = {
  unauthenticated: '登录状态已过期，请重新登录',
  forbidden: '无权限',
  password_change_required: '密码已过期，请先修改密码',
  bad_credentials: '账号或密码错误',
  bad_password: '密码错误',
  password_changed: '密码已被修改，请重新登录',
  locked_out: '登录失败次数过多，账号已暂时锁定，请稍后再试',
  username_taken: '该工号(identifier)或用户名已被占用',
  email_taken: '该邮箱已被占用',
  phone_taken: '该手机号已被注册',
  weak_password: '密码强度不足：至少 8 位，且不能是常见密码或与用户名相近',
  consent_required: '请先同意最新的服务条款与隐私政策',
  last_administrator: '至少要保留一名管理员',
  own_account: '不能删除自己的账号',
  beyond_own_rights: '不能操作权限高于自己的账号',
  account_inactive: '该账号已停用',
  not_found: '请求的资源不存在',
  method_not_allowed: '该地址不支持此请求方法',
  rate_limited: '请求过于频繁，请稍后再试',
  database_unavailable: '服务暂时不可用，请稍后再试',
  database_timeout: '服务繁忙，请稍后再试',
  database_busy: '服务繁忙，请稍后再试',
  storage_full: '存储空间不足，请联系管理员',
  unavailable: '服务暂时不可用，请稍后再试',
  stopping: '服务正在重启，请稍后再试',
  internal: '系统异常，请联系管理员',
  invalid_json: '请求体不是合法的 JSON',
  bad_encoding: '请求内容不是合法的 UTF-8 编码',
  bad_url: '请求地址不合法',
  path_too_long: '请求地址过长',
  request_aborted: '请求未完整送达',
  body_too_large: '请求内容过大',
  unsupported_media_type: '不支持的请求内容类型',
  unsupported_encoding: '不支持压缩的请求内容',
  bad_request: '请求不合法',
  idempotency_key_busy: '相同的请求正在处理中',
  idempotency_key_reused: '该 Idempotency-Key 已用于另一个请求',
  idempotency_key_invalid: 'Idempotency-Key 不合法',
  file_missing: '请选择要上传的文件',
  file_too_large: '文件不能超过 10 MB',
  bad_upload: '上传的内容不完整或已损坏',
  not_an_image: '文件不是可用的图片（JPEG、PNG 或 WebP）或 PDF',
  image_damaged: '图片已损坏或不完整，请重新上传',
  image_too_large: '图片不能超过 5000 万像素',
  busy: '正在处理的图片过多，请稍后再试',
  stale: '数据已被他人修改，请重试',
  try_again: '当前操作人数过多，请稍后再试',
}

/** The Chinese sentence of an error. */
export function sentenceOf(error: DomainError): string {
  if (error.code === 'validation') return fieldSentence(error)
  if (/[\u4e00-\u9fff]/.test(error.message)) return error.message
  return SENTENCES[error.code] ?? error.message
}

/** A sentence that names the missing or wrong fields. */
function fieldSentence({ errors = [], message }: DomainError): string {
  if (errors.length === 0) return /[\u4e00-\u9fff]/.test(message) ? message : '参数缺失或有误'
  return `参数缺失或有误：${errors.map(fieldWords).join('；')}`
}

/** Chinese words for faults of a field; they follow its name. */
const FIELD_FAULTS: Readonly<Record<string, string>> = {
  'must not be blank': '不能为空',
  'must be a date that exists, as YYYY-MM-DD': '的格式应为 YYYY-MM-DD，且日期必须存在',
  'must be 2 to 64 letters, digits or ._- and not a phone number': '须为 2 至 64 位字母、数字或 ._-，且不能是手机号',
  'must be a phone number, with its country code unless it is a Chinese one': '不是有效的手机号',
}

function fieldWords({ path, message }: FieldError): string {
  const name = path.slice(1).replaceAll('/', '.') || '请求体'
  if (message === 'is required') return `缺少 ${name}`
  if (message.startsWith('must be one of ')) return `${name} 只能是 ${message.slice('must be one of '.length)}`
  const [, most] = /^must not have more than (\d+) items$/.exec(message) ?? []
  if (most !== undefined) return `${name} 不能超过 ${most} 项`
  return `${name} ${FIELD_FAULTS[message] ?? '不合法'}`
}

import type { DomainError, FieldError } from '../kernel/errors.ts'
import { Invalid } from '../kernel/errors.ts'

/**
 * The error for a refusal by a business rule (code 500 of the document's list). People read `msg`. Use Conflict instead
 * if the state of the object forbids it (409), NotFound if there is no such object (404).
 */
export function refusal(code: string, msg: string): Invalid {
  return new Invalid(code, msg, { status: 422 })
}

/** Chinese sentences for the kernel's errors, by code. This product's own errors are in Chinese already. */
const SENTENCES: Readonly<Record<string, string>> = {
  unauthenticated: '登录状态已过期，请重新登录',
  password_change_required: '密码已过期，请先修改密码',
  bad_credentials: '用户名或密码错误',
  bad_password: '旧密码错误',
  password_changed: '密码已被修改，请重新登录',
  locked_out: '登录失败次数过多，账号已暂时锁定，请稍后再试',
  username_taken: '该用户名已被注册',
  weak_password: '密码强度不足：至少 8 位，且不能是常见密码或与用户名相近',
  consent_required: '请先同意最新的服务条款与隐私政策',
  not_found: '请求的资源不存在',
  method_not_allowed: '该地址不支持此请求方法',
  rate_limited: '请求过于频繁，请稍后再试',
  database_unavailable: '服务暂时不可用，请稍后再试',
  database_timeout: '服务繁忙，请稍后再试',
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
  bad_workbook: '文件不是有效的 Excel 工作簿（.xlsx），或已损坏',
  sheet_too_large: '工作簿内容过大',
  stale: '数据已被他人修改，请重试',
  try_again: '当前操作人数过多，请稍后再试',
}

/** The `msg` of a refusal. */
export function sentenceOf(error: DomainError): string {
  if (error.code === 'validation') return fieldSentence(error)
  if (error.code === 'forbidden') return `没有权限，请联系管理员授权：${String(error.facts?.permission ?? '')}`
  if (/[\u4e00-\u9fff]/.test(error.message)) return error.message
  return SENTENCES[error.code] ?? error.message
}

/** A sentence that names the missing or wrong fields (seed 错误码与语义: 参数不全). */
function fieldSentence({ errors = [], message }: DomainError): string {
  if (errors.length === 0) return /[\u4e00-\u9fff]/.test(message) ? message : '参数不全或有误'
  return `参数不全或有误：${errors.map(fieldWords).join('；')}`
}

/** Chinese words for faults of a field; they follow its name. */
const FIELD_FAULTS: Readonly<Record<string, string>> = {
  'must not be blank': '不能为空',
  'must be a time, as YYYY-MM-DDTHH:MM:SS with or without an offset': '的格式应为 yyyy-MM-dd HH:mm:ss',
  'must be a date that exists, as YYYY-MM-DD': '的格式应为 yyyy-MM-dd',
  'must be 2 to 64 letters, digits or ._- and not a phone number': '须为 2 至 64 位字母、数字或 ._-，且不能是手机号',
}

function fieldWords({ path, message }: FieldError): string {
  const name = path.slice(1).replaceAll('/', '.') || '请求体'
  if (message === 'is required') return `缺少 ${name}`
  if (message.startsWith('must be one of ')) return `${name} 只能是 ${message.slice('must be one of '.length)}`
  const [, most] = /^must not have more than (\d+) items$/.exec(message) ?? []
  if (most !== undefined) return `${name} 不能超过 ${most} 项`
  return `${name} ${FIELD_FAULTS[message] ?? '不合法'}`
}

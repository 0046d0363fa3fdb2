import type { ClinicTexts } from './types.ts'

const SECTION = "{% case section %}{% when '上午' %}morning{% when '下午' %}afternoon{% else %}evening{% endcase %}"
const SLOT = "{% case slot_type %}{% when '专家' %}specialist{% when '特需' %}VIP{% else %}general{% endcase %}"
const KIND = "{% case kind %}{% when '请假' %}leave{% when '加号' %}added number{% else %}schedule{% endcase %}"
/** Sections inside of other words. */
const SECTIONS = "replace: '上午', 'morning' | replace: '下午', 'afternoon' | replace: '晚上', 'evening'"
/** Patient, place and session. */
const VISIT =
  `{{ patient }}: {{ date }}, ${SECTION} ({{ hours }}), {{ hospital }}, {{ department }}, {{ doctor }}, ` +
  `${SLOT} registration`
const ORDER = '\n\nOrder: {{ order_id }}'
const SUBJECT = `{{ date }} ${SECTION}, {{ department }}, {{ doctor }}`
const REASON = "{% if reason != '' %} Reason: {{ reason }}.{% endif %}"
const REMARK = "{% if remark != '' %} Remark: {{ remark }}.{% endif %}"

/** The texts in English. Reasons and remarks are in the language in which they were written. */
export const en: ClinicTexts = {
  'clinic.order.pending': {
    subject: `Registered, please pay: ${SUBJECT}`,
    body:
      `${VISIT}, number {{ number }}. ` +
      `Please pay {{ amount }} yuan before {{ pay_until }}, or the number will be given up.${ORDER}`,
  },
  'clinic.order.confirmed': {
    subject: `Registered: ${SUBJECT}`,
    body: `${VISIT}, number {{ number }}. Please be on time. If you can't come, please cancel in advance.${ORDER}`,
  },
  'clinic.order.paid': {
    subject: `Paid: ${SUBJECT}`,
    body: `${VISIT}, number {{ number }}, expected at {{ time }}. You have paid {{ amount }} yuan.${ORDER}`,
  },
  'clinic.order.payment_returned': {
    subject: `Payment returned: ${SUBJECT}`,
    body:
      `${VISIT}: the registration is no longer valid, and the {{ amount }} yuan that we received were returned. ` +
      `If you still need the visit, please register again.${ORDER}`,
  },
  'clinic.order.refunded': {
    subject: `{{ refund }} yuan refunded: ${SUBJECT}`,
    body: `${VISIT}: {{ refund }} yuan were refunded.${REASON}${ORDER}`,
  },
  'clinic.order.cancelled': {
    subject: `Cancelled: ${SUBJECT}`,
    body: `${VISIT}: the registration was cancelled, {{ refund }} yuan are refunded.${REASON}${ORDER}`,
  },
  'clinic.order.timeout': {
    subject: `Registration expired: ${SUBJECT}`,
    body:
      `${VISIT}: the registration was not paid in time, and the number was given up. ` +
      `If you still need the visit, please register again.${ORDER}`,
  },
  'clinic.order.rescheduled': {
    subject: `Moved: ${SUBJECT}`,
    body: `${VISIT}, number {{ number }}, expected at {{ time }}. Before: {{ before | ${SECTIONS} }}.${ORDER}`,
  },
  'clinic.order.stopped': {
    subject: `Session cancelled by the hospital: ${SUBJECT}`,
    body:
      `We are sorry: ${VISIT} does not take place ({{ reason }}). The registration was cancelled, {{ refund }} yuan ` +
      'are refunded.{% if alternatives.size > 0 %}\n\nOther sessions:' +
      `{% for other in alternatives %}\n- {{ other | ${SECTIONS} }}{% endfor %}{% endif %}${ORDER}`,
  },
  'clinic.order.reminder_evening': {
    subject: `Your visit tomorrow: ${SUBJECT}`,
    body:
      `${VISIT}, number {{ number }}, expected at {{ time }}. Please come early and check in. ` +
      `If you can't come, please cancel soon.${ORDER}`,
  },
  'clinic.order.reminder_day': {
    subject: `Your visit today: ${SUBJECT}`,
    body: `${VISIT}, number {{ number }}, expected at {{ time }}. Please check in at {{ clinic }} on time.${ORDER}`,
  },
  'clinic.order.reminder': {
    subject: `Your visit: ${SUBJECT}`,
    body: `${VISIT}, number {{ number }}, expected at {{ time }}. Please come early and check in; if you can’t come, cancel soon.${ORDER}`,
  },
  'clinic.order.near': {
    subject: `Your turn is near: number {{ number }}, ${SUBJECT}`,
    body:
      '{{ patient }} (number {{ number }}): ' +
      '{% if ahead > 0 %}{{ ahead }} more before you{% else %}you are next{% endif %}. Please come to {{ clinic }}.' +
      ORDER,
  },
  'clinic.order.called': {
    subject: `Please come in: number {{ number }}, ${SUBJECT}`,
    body: `{{ patient }} (number {{ number }}), please come to {{ clinic }}.${ORDER}`,
  },
  'clinic.order.passed': {
    subject: `You were passed: ${SUBJECT}`,
    body:
      '{{ patient }} (number {{ number }}) was not there when called and is now behind the others who wait. ' +
      `Please come to {{ clinic }} soon.${ORDER}`,
  },
  'clinic.order.no_show': {
    subject: `Visit missed: ${SUBJECT}`,
    body: `${VISIT}: the visit was missed. After several missed visits you can't register for some time.${ORDER}`,
  },
  'clinic.waitlist.promoted': {
    subject: `You have got a number: ${SUBJECT}`,
    body:
      `${VISIT}, number {{ number }}.` +
      "{% if pay_until != '' %} Please pay {{ amount }} yuan before {{ pay_until }}, or the number will be given up." +
      `{% endif %}${ORDER}`,
  },
  'clinic.waitlist.ended': {
    subject: `Waiting has ended: ${SUBJECT}`,
    body: `${VISIT}: you are no longer on the waiting list. Reason: {{ reason }}.${ORDER}`,
  },
  'clinic.audit.requested': {
    subject: `New ${KIND} request: {{ applicant }}, {{ what }}`,
    body: `{{ applicant }} ({{ department }}) has made a ${KIND} request ({{ what }}). Please decide about it.`,
  },
  'clinic.audit.approved': {
    subject: `Your ${KIND} request was approved: {{ what }}`,
    body: `Your ${KIND} request ({{ what }}) was approved.${REMARK}`,
  },
  'clinic.audit.rejected': {
    subject: `Your ${KIND} request was rejected: {{ what }}`,
    body: `Your ${KIND} request ({{ what }}) was rejected.${REMARK}`,
  },
}

import { defineConstraints } from '../kernel/database/constraints.ts'
import { CODES, refusal } from './sentences.ts'

// Errors for violated constraints of this product's tables.
const taken = (msg: string) => () => refusal(CODES.request, 'name_taken', msg)

defineConstraints({
  hospital_area_name_key: taken('院区名称已存在'),
  major_department_name_key: taken('大科室名称已存在'),
  minor_department_name_key: taken('小科室名称已存在'),
  clinic_name_key: taken('该科室已有同名门诊'),
  doctor_user_key: taken('该账号已关联其他医生'),
  patient_id_card_key: taken('该身份证号已登记，请核对姓名'),
  patient_identifier_key: taken('该学工号已登记'),
  patient_relation_key: taken('该就诊人已在您的列表中'),
  schedule_doctor_key: () => refusal(CODES.request, 'schedule_taken', '该医生在该日期和时段已有排班'),
  schedule_numbers: () => refusal(CODES.soldOut, 'sold_out', '号源不足，该时段号源已约满'),
  registration_order_one: () => refusal(CODES.duplicate, 'already_registered', '该患者已预约此号源，请勿重复挂号'),
  registration_order_calling: () => refusal(CODES.request, 'still_calling', '当前患者就诊尚未结束，请先完成或过号'),
  registration_order_money: () => refusal(CODES.request, 'refund_too_large', '退款金额超过已支付金额'),
  schedule_audit_one: () => refusal(CODES.request, 'already_submitted', '该门诊本周已有待审核的排班申请'),
  add_slot_audit_one: () => refusal(CODES.request, 'already_submitted', '该患者已有待审核的加号申请'),
  user_ban_one: () => refusal(CODES.request, 'already_banned', '该用户已在封禁中'),
  visit_review_pkey: () => refusal(CODES.request, 'already_reviewed', '该次就诊已评价'),
})

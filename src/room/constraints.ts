import { defineConstraints } from '../kernel/database/constraints.ts'
import { refusal } from './sentences.ts'

// Errors for violated constraints of this product's tables.
defineConstraints({
  tb_facility_building_name_key: () => refusal('name_taken', '楼房名称已存在'),
  tb_facility_room_name_key: () => refusal('name_taken', '该楼层已有同名房间'),
  tb_facility_booking_overlap: () => refusal('time_taken', '该时间段已被占用，请选择其他时间'),
  tb_facility_ban_one: () => refusal('already_banned', '该用户已在封禁中'),
})

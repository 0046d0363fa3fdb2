import { Readable } from 'node:stream'
import { streamOf } from '../../../kernel/exports/exports.ts'
import type { Cell, Row } from '../../../kernel/exports/rows.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import { ageOn } from '../../core/personalData.ts'
import type { VisitRecord } from '../../core/records/store.ts'
import { plainMoment } from '../../fields.ts'
import { clinicSettings } from '../../settings.ts'

/** The name of a record's file. It has no personal data, because names of files are logged and shown in many places. */
export function fileNameOf(record: VisitRecord, zone: string): string {
  return `门诊病历_${numberOf(record, zone)}.pdf`
}

/** The number of a visit: that of its order. */
export function numberOf({ orderId, orderTime }: VisitRecord, zone: string): string {
  return orderNumber({ orderId, createTime: orderTime }, zone)
}

/** A record as PDF. Long texts are wrapped and continue on the next page. */
export async function printRecord({ config, clock }: Kernel, record: VisitRecord): Promise<Readable> {
  const { hospitalName } = clinicSettings.of(config)
  const rows = rowsOf(record, hospitalName, config.timeZone)
  return await streamOf({
    format: 'pdf',
    name: `${hospitalName} 门诊病历`,
    zone: config.timeZone,
    at: clock.now(),
    columns: ['项目', '内容'],
    rows: Readable.from(rows),
    count: async () => rows.length,
  })
}

function rowsOf(record: VisitRecord, hospitalName: string, zone: string): readonly Row[] {
  const age = ageOn(record.patientBirthDate, record.visitDate)
  const doctor = [record.doctorName, record.doctorTitle].filter((part) => part).join(' ')
  const lines: readonly (readonly [string, Cell])[] = [
    ['医院', hospitalName],
    ['院区', record.areaName],
    ['科室', record.deptName],
    ['门诊', record.clinicName],
    ['门诊号', numberOf(record, zone)],
    ['就诊日期', record.visitDate],
    ['患者姓名', record.patientName],
    ['性别', record.patientGender],
    ['年龄', age === null ? '' : `${age} 岁`],
    ['主诉', record.chiefComplaint],
    ['现病史', record.presentIllness],
    ['辅助检查', record.auxiliaryExam],
    ['诊断', record.diagnosis],
    ['处方', record.prescription],
    ['医嘱', record.advice],
    ['复诊日期', record.followupDate],
    ['医生', doctor],
    ['更新时间', plainMoment(record.updateTime, zone)],
  ]
  return lines
}

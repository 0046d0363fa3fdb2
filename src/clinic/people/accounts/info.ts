import type { Caller } from '../../../kernel/http/request/caller.ts'
import { maskPhone } from '../../../kernel/identity/accounts/phones.ts'
import { findUser } from '../../../kernel/identity/accounts/store.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { doctorOfUser } from '../../core/peopleStore.ts'
import { ageOn, maskIdCard } from '../../core/personalData.ts'
import { moment } from '../../fields.ts'
import { ownPatient } from './store.ts'

/** The caller as patient and as doctor, as the published clients read it (clients 1.1). */
export async function infoOf(kernel: Kernel, caller: Caller) {
  return await kernel.withRetries(async (db) => {
    const user = await findUser(db, kernel.secrets.cipher, caller.userId)
    const patient = await ownPatient(db, caller.userId)
    const doctor = await doctorOfUser(db, caller.userId)
    const zone = kernel.config.timeZone
    const idCard = patient?.idCard ? kernel.secrets.cipher.decrypt(patient.idCard) : null
    const phone = user?.phone ?? null
    return {
      patient: patient
        ? {
            id: patient.patientId,
            identifier: patient.identifier,
            phonenumber: phone,
            realName: patient.name,
            idCard,
            email: user?.email ?? null,
            gender: patient.gender,
            birthDate: patient.birthDate,
            patientType: patient.patientType,
            avatar: null,
            verified: patient.isVerified,
            createdAt: moment(patient.createTime, zone),
            updatedAt: moment(user?.updatedAt ?? patient.createTime, zone),
            maskedInfo: { phone: phone && maskPhone(phone), idCard: idCard && maskIdCard(idCard) },
            age: ageOn(patient.birthDate, localDate(kernel.clock.now(), zone)),
          }
        : null,
      doctor: doctor
        ? {
            id: doctor.doctorId,
            name: doctor.name,
            department: doctor.deptName,
            department_id: doctor.deptId,
            hospital: '',
            title: doctor.title,
            is_department_head: doctor.isHead ? ('True' as const) : ('False' as const),
            photo_mime: null,
            photo_base64: null,
          }
        : null,
    }
  })
}

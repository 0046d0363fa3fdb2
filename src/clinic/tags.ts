/** Descriptions of the tags of this product's routes. */
export const tags = {
  'Clinic accounts': 'Log-in, registration and users.',
  'Clinic areas': 'Areas of the hospital (院区).',
  'Clinic departments': 'Major and minor departments.',
  'Clinic clinics': 'Clinics (门诊) of the minor departments.',
  'Clinic doctors': 'Doctors, their accounts and photos, and the heads of departments.',
  'Clinic patients': 'Patients, and for whom a user may register.',
  'Clinic prices': 'Prices of numbers for the whole hospital.',
  'Clinic configuration': 'Rules of registration and schedules.',
  'Clinic schedules': 'Schedules of doctors with their numbers.',
  'Clinic appointments': 'Patients register, pay and cancel.',
  'Clinic statistics': 'Figures of the hospital, its departments and doctors.',
  'Clinic waiting list': 'Patients wait for numbers that are sold out.',
  'Clinic queue': 'The doctor calls, passes and sees patients.',
  'Clinic audits': 'Requests that need a decision: weeks of schedules, leaves, added numbers.',
  'Clinic leaves': 'Leaves of doctors.',
  'Clinic desk': 'The desk finds orders, takes and returns money, checks patients in.',
} as const

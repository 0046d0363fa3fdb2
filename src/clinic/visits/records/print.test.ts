import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin, patient } from '../../../../test/support/clinic.ts'
import { call, logOf, seenVisit } from '../../../../test/support/clinicVisits.ts'
import { pdfTexts } from '../../../../test/support/pdf.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic', CLINIC_HOSPITAL_NAME: '东湖大学医院' }, { logLevel: 'debug' })
afterAll(() => world.close())

/** Makes a link as somebody, and returns its path and token. */
async function linkOf(as: Person, orderId: number) {
  const { code, message } = await call(world, as, 'POST', `/common/medical-record/${orderId}/pdf`)
  if (code !== 0) return { code, message, path: '', token: '' }
  const { pathname, search, searchParams } = new URL(message.url)
  return { code, message, path: `${pathname}${search}`, token: searchParams.get('token') ?? '' }
}

async function download(path: string) {
  const answer = await world.app.inject({ method: 'GET', url: path })
  const isPdf = answer.headers['content-type'] === 'application/pdf'
  return { answer, pages: isPdf ? await pdfTexts(answer.rawPayload) : [], body: isPdf ? null : answer.json() }
}

describe('The record of a visit as PDF', () => {
  it('has all of the record, in Chinese', async () => {
    const record = {
      ...{ chiefComplaint: '咽痛 3 天', presentIllness: '受凉后咽痛。', auxiliaryExam: '血常规：白细胞 11.2×10⁹/L' },
      ...{ diagnosis: '急性咽炎', prescription: '阿莫西林胶囊 0.5g', advice: '多饮水', followupDate: '2026-03-09' },
    }
    const { patient: one, orderId } = await seenVisit(world, record)
    await world.rows(`UPDATE visit_history SET patient_name = '欧阳𬱖', patient_birth_date = '1990-03-03'`)
    const { message, path } = await linkOf(one, orderId)
    expect(message).toEqual({
      url: expect.stringContaining(`${world.config.publicUrl}/common/medical-record/${orderId}/download?token=`),
      fileName: expect.stringMatching(/^门诊病历_20260302\d{8}\.pdf$/),
      expireTime: '2026-03-02 08:10:00',
    })
    const { answer, pages } = await download(path)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/pdf', 'cache-control': 'no-store' })
    expect(answer.headers['content-disposition']).toContain(encodeURIComponent(message.fileName))
    expect(pages).toHaveLength(1)
    const text = pages.flat().join('\n')
    const { basicInfo, recordData } = (await call(world, one, 'GET', `/common/visit-record/${orderId}`)).message
    expect(basicInfo).toMatchObject({ name: '欧阳𬱖', age: 35 })
    const { id, version, updateTime, ...shown } = recordData
    expect([id, version]).toEqual([orderId, 1])
    for (const part of ['东湖大学医院 门诊病历', '35 岁', '未知', updateTime, ...Object.values(shown)])
      expect(text).toContain(part)
    expect(text).toMatch(/欧阳/)
  })

  it('wraps long texts and continues on further pages', async () => {
    const long = Array.from({ length: 400 }, (_, n) => `第${n}天咽痛伴低热，`).join('')
    const { patient: one, orderId } = await seenVisit(world, { presentIllness: long, prescription: long })
    const { pages } = await download((await linkOf(one, orderId)).path)
    expect(pages.length).toBeGreaterThan(1)
    const text = pages.map((page) => page.join('')).join('')
    for (const n of [0, 200, 399]) expect(text).toContain(`第${n}天`)
    expect(pages[0]?.join('')).toMatch(new RegExp(`共 ?${pages.length} 页`))
  })

  it('is for those who read the record, and staff who print or download it are in the operation log', async () => {
    const { patient: one, doctor: own, orderId } = await seenVisit(world, { diagnosis: '感冒' })
    const admin = await hospitalAdmin(world)
    for (const as of [one, own, admin]) {
      const { path } = await linkOf(as, orderId)
      expect((await download(path)).pages.flat()).toContain('感冒')
    }
    expect(await linkOf(await patient(world), orderId)).toMatchObject({ code: 106 })
    expect((await logOf(world, 'clinic_record', orderId)).map(({ action, actor_id }) => [action, actor_id])).toEqual([
      ['clinic.record.write', own.id],
      ['clinic.record.print', own.id],
      ['clinic.record.download', own.id],
      ['clinic.record.print', admin.id],
      ['clinic.record.download', admin.id],
    ])
  })
})

describe('A link for downloading a record', () => {
  const refused = { code: 106, message: { msg: expect.stringContaining('下载链接') } }

  it('opens one record, for ten minutes, unchanged', async () => {
    const [first, second] = [
      await seenVisit(world, { diagnosis: '感冒' }),
      await seenVisit(world, { diagnosis: '鼻炎' }),
    ]
    const { path, token } = await linkOf(first.patient, first.orderId)
    const at = (orderId: number, given: string) => `/common/medical-record/${orderId}/download?token=${given}`
    const other = await linkOf(second.patient, second.orderId)
    const changed = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    const forSecond = `${Buffer.from(`${second.orderId} ${first.patient.id} 9999999999999`).toString('base64url')}${token.slice(token.indexOf('.'))}`
    for (const [orderId, given] of [
      ...[[second.orderId, token] as const, [first.orderId, other.token] as const, [first.orderId, changed] as const],
      ...[[second.orderId, forSecond] as const, [first.orderId, first.patient.token] as const],
    ])
      expect((await download(at(orderId, given))).body).toMatchObject(refused)
    expect((await download(`/common/medical-record/${first.orderId}/download`)).body).toMatchObject({ code: 99 })
    world.clock.advance(10)
    world.clock.set(new Date(world.clock.now().getTime() - 1))
    expect((await download(path)).pages).toHaveLength(1)
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    expect((await download(path)).body).toMatchObject(refused)
    world.clock.advance(-10)
  })

  it('no longer works when its person may not read the record any more', async () => {
    const { doctor: own, patient: one, orderId } = await seenVisit(world, { diagnosis: '感冒' })
    const [ofDoctor, ofPatient] = [await linkOf(own, orderId), await linkOf(one, orderId)]
    await world.rows(`UPDATE user_roles SET role = 'clinic:patient' WHERE user_id = ${own.id}`)
    expect((await download(ofDoctor.path)).body).toMatchObject({ code: 106 })
    await world.rows(`UPDATE users SET status = 'disabled' WHERE id = ${one.id}`)
    expect((await download(ofPatient.path)).body).toMatchObject(refused)
  })

  it('is not in the log', async () => {
    const { patient: one, orderId } = await seenVisit(world, { diagnosis: '感冒' })
    const { path, token } = await linkOf(one, orderId)
    await download(path)
    const lines = world.lines.join('\n')
    expect(lines).toContain(`/common/medical-record/${orderId}/download?token=[hidden]`)
    expect(lines).not.toContain(token)
    expect(lines).not.toContain('感冒')
  })
})

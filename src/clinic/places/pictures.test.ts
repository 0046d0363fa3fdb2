import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin } from '../../../test/support/clinic.ts'
import { picture, upload } from '../../../test/support/uploads.ts'
import { openWorld } from '../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())
const admin = await hospitalAdmin(world)

describe('The picture of an area', () => {
  const shown = async (areaId: number) =>
    (await world.call('GET', `/patient/hospitals?area_id=${areaId}`)).body.message.areas[0]
  const photo = (areaId: number) => `/admin/hospital-areas/${areaId}/photo`

  it('is shown to patients inside the answer, small, and by its path', async () => {
    const { areaId } = await department(world)
    expect(await shown(areaId)).toMatchObject({ image_url: null, image_type: null, image_data: null })
    const uploaded = await upload(world, photo(areaId), admin, await picture(900, 600), { field: 'photo' })
    const { image_url } = uploaded.body.message
    const { image_type, image_data } = await shown(areaId)
    expect(image_type).toBe('image/jpeg')
    expect(await sharp(Buffer.from(image_data, 'base64')).metadata()).toMatchObject({ format: 'jpeg', width: 480 })
    const { status, headers } = await world.call('GET', image_url)
    expect([status, headers['content-type']]).toEqual([200, 'image/jpeg'])
    const { areas } = (await world.call('GET', `/admin/hospital-areas?area_id=${areaId}`, { as: admin })).body.message
    expect(areas).toMatchObject([{ image_url, image_data: null }])
  })

  it('is replaced and deleted; old ones can no longer be seen', async () => {
    const { areaId, clinicId } = await department(world)
    const first = (await upload(world, photo(areaId), admin, await picture(90, 60))).body.message.image_url
    const second = (await upload(world, photo(areaId), admin, await picture(60, 90))).body.message.image_url
    expect((await world.call('GET', first)).body).toMatchObject({ code: 106 })
    expect((await world.call('GET', second)).status).toBe(200)
    expect((await world.call('DELETE', photo(areaId), { as: admin })).body).toMatchObject({ code: 0 })
    expect(await shown(areaId)).toMatchObject({ image_url: null, image_data: null })
    expect((await world.call('GET', second)).body).toMatchObject({ code: 106 })
    const third = (await upload(world, photo(areaId), admin, await picture(60, 90))).body.message.image_url
    await world.call('DELETE', `/admin/clinics/${clinicId}`, { as: admin })
    expect((await world.call('DELETE', `/admin/hospital-areas/${areaId}`, { as: admin })).body.code).toBe(0)
    expect((await world.call('GET', third)).body).toMatchObject({ code: 106 })
  })

  it('is refused if it is no picture, and for an area that does not exist', async () => {
    const { areaId } = await department(world)
    expect((await upload(world, photo(areaId), admin, Buffer.from('%PDF-1.7 %%EOF'))).body).toMatchObject({ code: 99 })
    expect((await upload(world, photo(999_999), admin, await picture(9, 9))).body).toMatchObject({ code: 106 })
    expect((await world.call('DELETE', photo(999_999), { as: admin })).body).toMatchObject({ code: 106 })
  })
})

describe('The photo of a doctor', () => {
  it('is seen by everybody, and not under another kind', async () => {
    const { doctorId } = await doctor(world, (await department(world)).deptId)
    const path = `/admin/doctors/${doctorId}/photo`
    const { photo_path, old_photo_path } = (await upload(world, path, admin, await picture(90, 60))).body.message
    expect([(await world.call('GET', photo_path)).status, old_photo_path]).toEqual([200, null])
    expect((await world.call('GET', photo_path.replace('doctor', 'area'))).body).toMatchObject({ code: 106 })
    expect((await world.call('GET', `/patient/doctors/${doctorId}/photo`)).headers['content-type']).toBe('image/jpeg')
    await world.call('DELETE', path, { as: admin })
    expect((await world.call('GET', photo_path)).body).toMatchObject({ code: 106 })
  })
})

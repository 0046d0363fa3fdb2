import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'
import { fillDemo } from './service.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
const start = performance.now()
const logins = await fillDemo(world.kernel)
console.log('demo', performance.now() - start)
afterAll(() => world.close())

describe('the demo', () => {
  it('x', async () => {
    expect(await world.verify()).toEqual([])
    console.log(
      await world.rows(`SELECT status, payment_status, count(*) FROM registration_order GROUP BY 1,2 ORDER BY 1,2`),
      await world.rows(
        `SELECT (select count(*) from schedule) s, (select count(*) from patient) p, (select count(*) from doctor) d, (select count(*) from visit_history) v, (select count(*) from add_slot_audit) a`,
      ),
      logins,
    )
  })
})

import { ADMINISTRATOR, LOG_IN } from './accounts.ts'
import { DAY_MS, type Fixture, tomorrow } from './fixture.ts'
import type { Ask } from './load.ts'
import type { RoomFixture } from './rooms.ts'

/** Typical reads and a log-in, each `times` times, for different people, venues and rooms. */
export function reads({ tokens, venues }: Fixture, { rooms }: RoomFixture, times: number): readonly Ask[] {
  const day = (n: number) => new Date(tomorrow(new Date()).getTime() + n * DAY_MS).toISOString().slice(0, 10)
  const window = `from=${day(-3)}%2000:00:00&to=${day(4)}%2000:00:00`
  return Array.from({ length: times }, (_, n) => {
    const token = 2 + (n % (tokens.length - 2))
    return [
      { token, line: `GET /api/v1/venues/${1 + (n % venues)}/calendar?start_date=${day(0)}&end_date=${day(30)}` },
      { token, line: 'GET /api/v1/reservations' },
      { token, line: `GET /portal/facility/room/${1 + (n % rooms)}/timeline?${window}` },
      { token, line: 'GET /portal/facility/booking/my/list' },
      { token: ADMINISTRATOR, line: `GET /api/v1/stats/venue-usage?start_date=${day(-9)}&end_date=${day(-2)}` },
      LOG_IN,
    ]
  }).flat()
}

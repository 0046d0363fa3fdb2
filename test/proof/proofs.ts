import { crash } from './crash/crash.ts'
import { partOfSuite } from './partOfSuite.ts'
import type { Proof } from './proof.ts'

/** All proofs, in the order of docs/proof.md. */
export const PROOFS: readonly Proof[] = [
  crash,
  partOfSuite({
    name: 'processes',
    what: 'three servers and two workers behind nginx share sessions, messages, limits and the timetable',
    takes: '4 minutes',
    files: ['test/proof/nginx.test.ts'],
    env: { PROOF_TICK_SECONDS: '180' },
  }),
  partOfSuite({
    name: 'broadcast',
    what: '10,000 people are sent a broadcast while its workers are killed ten times',
    takes: '3 minutes',
    files: ['test/proof/broadcast.test.ts'],
    env: { PROOF_BROADCAST: '10000', PROOF_KILLS: '10' },
  }),
  partOfSuite({
    name: 'outage',
    what: 'the database goes away for half a minute, in three ways, while people book; mail, Redis, the disk and providers fail',
    takes: '8 minutes',
    files: ['test/proof/faults'],
    env: { OUTAGE_SECONDS: '30' },
  }),
  partOfSuite({
    name: 'hostile',
    what: '50,000 fuzzed requests as everybody, and attacks on tokens, paths, headers, fields, uploads, sockets and what is owned',
    takes: '25 minutes',
    files: ['test/contract/fuzz', 'test/contract/attacks', 'test/contract/hostile', 'test/contract/tokens'],
    env: { FUZZ_REQUESTS: '50000' },
  }),
  partOfSuite({
    name: 'rooms',
    what: 'a minute of bookings of rooms at random beside a model, and what is read of 300,000 of them',
    takes: '6 minutes',
    files: ['test/proof/roomModel', 'test/proof/roomReads'],
    env: { PROOF_SECONDS: '60', ROOM_BOOKINGS: '300000' },
  }),
  partOfSuite({
    name: 'clinic',
    what: 'a minute of everything that people do at a clinic, at random and at two processes',
    takes: '2 minutes',
    files: ['test/proof/clinicModel'],
    env: { PROOF_SECONDS: '60' },
  }),
  partOfSuite({
    name: 'clinic-kills',
    what: 'servers and workers of a clinic are killed 500 times while people register, pay, move and are called',
    takes: '20 minutes',
    files: ['test/proof/clinicKill.test'],
    env: { PROOF_KILLS: '500' },
  }),
  partOfSuite({
    name: 'exports',
    what: 'a million rows leave in a process that stays under 300 MB',
    takes: '3 minutes',
    files: ['test/proof/exports'],
    env: { EXPORT_ROWS: '1000000' },
  }),
]

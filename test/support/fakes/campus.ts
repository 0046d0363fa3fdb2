import { type Asked, type Reply, startFake } from './http.ts'

/** A person at the fake campus system. */
interface CampusPerson {
  readonly password: string
  readonly patient_type: string
}

/** A campus system that speaks the protocol of docs/clinic.md. `say` replaces the answer. */
export async function startCampus(
  key: string,
  people: Readonly<Record<string, CampusPerson>>,
  say: (asked: Asked) => Reply | undefined = () => undefined,
) {
  return await startFake((asked) => {
    const other = say(asked)
    if (other) return other
    if (asked.method !== 'POST' || asked.headers.authorization !== `Bearer ${key}`) return { status: 401, body: {} }
    const { identifier, password } = asked.body
    const person = new Map(Object.entries(people)).get(identifier)
    if (person?.password !== password) return { body: { verified: false } }
    return { body: { verified: true, identifier, patient_type: person?.patient_type } }
  })
}

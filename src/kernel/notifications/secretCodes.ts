import type { Provider } from './providers/provider.ts'

/**
 * The providers of texts that must not stand in anybody's inbox, outbox or log: a code that opens something. A channel that is not
 * configured is absent.
 */
export type SecretCodeSenders = Readonly<Partial<Record<'email' | 'sms', Pick<Provider, 'send'>>>>

/** Picks the senders of secret codes from the providers of a process. */
export function secretCodeSenders(providers: readonly Provider[]): SecretCodeSenders {
  const [email, sms] = ['email', 'sms'].map((lane) => providers.find((provider) => provider.lane === lane))
  return { ...(email && { email }), ...(sms && { sms }) }
}

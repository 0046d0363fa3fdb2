import type { Provider } from './providers/provider.ts'

/**
 * The providers for secret codes, which must never be stored in an inbox, the outbox or a log. A channel without a
 * configured provider is absent.
 */
export type SecretCodeSenders = Readonly<Partial<Record<'email' | 'sms', Pick<Provider, 'send'>>>>

/** Picks the senders of secret codes from the providers of a process. */
export function secretCodeSenders(providers: readonly Provider[]): SecretCodeSenders {
  const [email, sms] = ['email', 'sms'].map((lane) => providers.find((provider) => provider.lane === lane))
  return { ...(email && { email }), ...(sms && { sms }) }
}

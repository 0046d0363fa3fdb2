import { existsSync } from 'node:fs'

const SETPRIV = '/usr/bin/setpriv'

/**
 * Wraps a command so that it gets the signal when this process ends for any reason; `user` runs it as another user.
 * Works only on Linux; elsewhere it returns the command unchanged.
 */
export function withDeathSignal(
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGQUIT',
  command: readonly [string, ...string[]],
  user?: string,
): readonly [string, ...string[]] {
  if (!existsSync(SETPRIV)) return command
  const as = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  return [SETPRIV, ...as, `--pdeathsig=${signal.slice('SIG'.length)}`, '--', ...command]
}

import { existsSync } from 'node:fs'

const SETPRIV = '/usr/bin/setpriv'

/**
 * A command that is sent the signal when this process dies, however it dies. `user` runs it as somebody else. Only Linux knows this; elsewhere
 * the command as it is, which then ends only when it is told to.
 */
export function dyingWithUs(
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGQUIT',
  command: readonly [string, ...string[]],
  user?: string,
): readonly [string, ...string[]] {
  if (!existsSync(SETPRIV)) return command
  const as = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  return [SETPRIV, ...as, `--pdeathsig=${signal.slice('SIG'.length)}`, '--', ...command]
}

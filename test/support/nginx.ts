import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './cluster.ts'
import { withDeathSignal } from './deathSignal.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/nginx/', import.meta.url))
const START_MS = 10_000
const PROGRAM = ['/usr/sbin/nginx', 'nginx'].find((program) => spawnSync(program, ['-v']).status === 0)

/** The reason why nginx can't be used; undefined if it is installed. */
export const noNginx: string | undefined =
  PROGRAM === undefined ? 'nginx is not installed (apt-get install nginx-light)' : undefined

/** An nginx process for one test, with the configuration of `deploy/nginx`. */
export interface Nginx {
  readonly url: string
  readonly tlsUrl: string
  /** The text of its two logs. */
  logs(): Promise<string>
  close(): Promise<void>
}

/**
 * Starts nginx in front of processes of the program, with the files that people install. It changes only the addresses
 * of the processes, the ports, the folder of the logs, and the certificate. TLS is switched on as yuyue.conf describes,
 * beside the plain port.
 * @throws Error with the output of nginx when it does not start.
 */
export async function startNginx(processes: readonly string[]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-nginx-'))
  const file = (name: string) => join(folder, name)
  await cp(DEPLOY, folder, { recursive: true })
  await mkdir(file('temp'))
  const [port, tlsPort] = [await freePort(), await freePort()]
  const lines = processes.map((url) => `server ${new URL(url).host} max_fails=1 fail_timeout=2s;`)
  await writeFile(file('yuyue/processes.conf'), lines.join('\n'))
  await writeFile(file('yuyue/listen.conf'), `listen 127.0.0.1:${port};`)
  await writeFile(file('yuyue/listen-tls.conf'), `listen 127.0.0.1:${tlsPort} ssl http2;`)
  const [key, certificate] = [file('key.pem'), file('certificate.pem')]
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
  ])
  if (made.status !== 0) throw new Error(`no certificate could be made: ${made.stderr}`)
  await edit(file('yuyue/tls.conf'), (text) =>
    text.replace('/etc/ssl/yuyue/fullchain.pem', certificate).replace('/etc/ssl/yuyue/privkey.pem', key),
  )
  await edit(file('yuyue/locations.conf'), (text) => text.replaceAll('/var/log/nginx', folder))
  // Switches TLS on as people do: removes the comment marks of the five lines.
  await edit(file('yuyue.conf'), (text) => text.replace(/^#(server \{|\s+include|\})/gm, '$1'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${file('temp')};`,
  )
  await writeFile(
    file('nginx.conf'),
    `daemon off; pid ${file('nginx.pid')}; error_log stderr warn; ${process.getuid?.() === 0 ? 'user root;' : ''}
    events { worker_connections 1024; }
    http { access_log off; ${temporary.join(' ')} include yuyue.conf; }`,
  )
  const [command, ...args] = withDeathSignal('SIGTERM', [
    PROGRAM ?? 'nginx',
    '-p',
    folder,
    '-c',
    file('nginx.conf'),
    '-e',
    'stderr',
  ])
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let written = ''
  child.stderr.on('data', (bytes: Buffer) => (written += String(bytes)))
  const gone = once(child, 'exit')
  const close = async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  const until = performance.now() + START_MS
  while (!(await fetch(`${url}/healthz`).catch(() => undefined))) {
    if (child.exitCode !== null || performance.now() > until) {
      await close()
      throw new Error(`nginx did not start:\n${written}`)
    }
    await pause(50)
  }
  return {
    url,
    tlsUrl: `https://127.0.0.1:${tlsPort}`,
    logs: async () =>
      (await Promise.all(['access', 'error'].map((name) => readFile(file(`yuyue.${name}.log`), 'utf8')))).join('\n'),
    close,
  }
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(path, 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`${path} has not what was to be changed`)
  await writeFile(path, after)
}

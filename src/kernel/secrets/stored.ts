import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError, readSettings } from '../../config/read.ts'
import { type Config, kernelSettings, type LoadedConfig } from '../settings.ts'

/**
 * Completes a configuration with the secrets that the environment does not set. They are read from
 * DATA_DIR/secrets.json, which is created at the first start (mode 600). Processes that start at the same moment get
 * the same secrets. A variable that is set takes precedence over the file.
 * @throws ConfigurationError if the file cannot be read or written, or is damaged: new secrets would make stored fields
 * unreadable.
 */
export function ensureSecrets(config: LoadedConfig): Config {
  const { secretKey, fieldKeys } = config
  if (secretKey && fieldKeys) return { ...config, secretKey, fieldKeys }
  const path = join(config.dataDir, 'secrets.json')
  try {
    const text = readIfThere(path) ?? create(path, config.dataDir)
    const stored = parse(text)
    chmodSync(path, 0o600)
    return { ...config, secretKey: secretKey ?? stored.secretKey, fieldKeys: fieldKeys ?? stored.fieldKeys }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError([
      `DATA_DIR: given ${JSON.stringify(config.dataDir)}; secrets.json can't be used: ${reason}`,
    ])
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Writes the file under a temporary name and links it to its real name unless that exists, so that readers see a
 * complete file or none.
 */
function create(path: string, folder: string): string {
  const text = `${JSON.stringify(
    {
      SECRET_KEY: randomBytes(48).toString('base64'),
      FIELD_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    },
    null,
    2,
  )}\n`
  mkdirSync(folder, { recursive: true })
  const draft = `${path}.${randomUUID()}`
  try {
    const file = openSync(draft, 'wx', 0o600)
    writeSync(file, text)
    fsyncSync(file)
    closeSync(file)
    claim(draft, path)
    return text
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return readFileSync(path, 'utf8')
  } finally {
    rmSync(draft, { force: true })
  }
}

function claim(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) throw error
    // For file systems without hard links (some mounted folders): still exclusive, but not atomic.
    copyFileSync(draft, path, constants.COPYFILE_EXCL)
  }
}

/** Parses the file by the same rules as the environment. */
function parse(text: string): { secretKey: string; fieldKeys: Config['fieldKeys'] } {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new Error('it is damaged; restore it from a backup')
  }
  const env = new Map(Object.entries(typeof content === 'object' && content !== null ? content : {}))
  const [secret, keys] = [env.get('SECRET_KEY'), env.get('FIELD_KEYS')]
  if (typeof secret !== 'string' || typeof keys !== 'string') throw new Error('it lacks SECRET_KEY or FIELD_KEYS')
  const { secretKey, fieldKeys } = kernelSettings.of(
    readSettings([kernelSettings], { SECRET_KEY: secret, FIELD_KEYS: keys }),
  )
  if (!secretKey || !fieldKeys) throw new Error('SECRET_KEY or FIELD_KEYS in it is empty')
  return { secretKey, fieldKeys }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

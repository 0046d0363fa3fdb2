import { address, fieldKeys, line, onOff, webAddress, wholeNumber } from '../../config/kinds.ts'
import { optional, setting } from '../../config/settings.ts'

const postgres = address('a postgres:// or postgresql:// address', 'postgres:', 'postgresql:')

/** Database, secrets and files. */
export const dataVariables = {
  databaseUrl: optional(
    'Data',
    'DATABASE_URL',
    postgres,
    'the embedded database',
    'PostgreSQL 14 or newer. Without it, an embedded PostgreSQL runs in `DATA_DIR`.',
  ),
  databaseReadUrl: optional(
    'Data',
    'DATABASE_READ_URL',
    postgres,
    'DATABASE_URL',
    'A read replica for calendars, statistics and exports. Needs DATABASE_URL.',
  ),
  databaseWaitSeconds: setting(
    'Data',
    'DATABASE_WAIT_SECONDS',
    wholeNumber(0, 3600),
    60,
    'Seconds that a start waits for a database server that cannot be reached yet; ' +
      'then it ends with one line and exit code 1.',
  ),
  databasePoolSize: setting(
    'Data',
    'DATABASE_POOL_SIZE',
    wholeNumber(1, 200),
    10,
    'Connections of one process to DATABASE_URL. The embedded database always has one.',
  ),
  redisUrl: optional(
    'Data',
    'REDIS_URL',
    address('a redis:// or rediss:// address', 'redis:', 'rediss:'),
    'each process counts for itself',
    'Redis for rate limits shared by all processes.',
  ),
  secretKey: optional(
    'Secrets',
    'SECRET_KEY',
    line('at least 32 characters', 32, 1000),
    'generated (embedded database only)',
    'Signs access tokens and links. Changing it signs everybody out. Make one: `openssl rand -base64 48`',
    'secret',
  ),
  fieldKeys: optional(
    'Secrets',
    'FIELD_KEYS',
    fieldKeys,
    'generated (embedded database only)',
    'Encrypt phone numbers and other sensitive fields. The first key is the current one; ' +
      'the last one makes the blind indexes and must stay. ' +
      'Make one: `echo "k1:$(openssl rand -base64 32)"`',
    'secret',
  ),
  s3Bucket: optional(
    'Files',
    'S3_BUCKET',
    line('the name of a bucket', 1, 255),
    'files are in DATA_DIR/files',
    'Bucket of an S3-compatible store for pictures and exports. Needs S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.',
  ),
  s3Endpoint: optional(
    'Files',
    'S3_ENDPOINT',
    webAddress,
    'Amazon S3',
    'Address of the store, such as `https://s3.example.com`.',
  ),
  s3Region: setting('Files', 'S3_REGION', line('the name of a region', 1, 64), 'us-east-1', 'Region of the bucket.'),
  s3AccessKeyId: optional('Files', 'S3_ACCESS_KEY_ID', line('a key id', 1, 200), 'none', 'Key id for the bucket.'),
  s3SecretAccessKey: optional(
    'Files',
    'S3_SECRET_ACCESS_KEY',
    line('a secret key', 1, 500),
    'none',
    'Secret that belongs to S3_ACCESS_KEY_ID.',
    'secret',
  ),
  s3PathStyle: setting(
    'Files',
    'S3_PATH_STYLE',
    onOff,
    true,
    'Whether the bucket is in the path (`on`, most stores) or in the host name (`off`, Amazon S3).',
  ),
} as const

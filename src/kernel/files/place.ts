import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { s3Storage } from './s3.ts'
import { type FileStorage, folderStorage } from './storage.ts'

const made = new WeakMap<object, FileStorage>()

type Place = Pick<
  Config,
  'dataDir' | 's3Bucket' | 's3Endpoint' | 's3Region' | 's3AccessKeyId' | 's3SecretAccessKey' | 's3PathStyle'
>

/** Where files are: in S3_BUCKET when it is configured, else in DATA_DIR/files. */
export function storageOf(config: Place): FileStorage {
  let storage = made.get(config)
  if (!storage) {
    storage = createStorage(config)
    made.set(config, storage)
  }
  return storage
}

function createStorage(config: Place): FileStorage {
  const { s3Bucket: bucket, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = config
  if (bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    return folderStorage(join(config.dataDir, 'files'))
  }
  return s3Storage({
    endpoint: config.s3Endpoint,
    bucket,
    region: config.s3Region,
    accessKeyId,
    secretAccessKey,
    pathStyle: config.s3PathStyle,
    prefix: 'files/',
  })
}

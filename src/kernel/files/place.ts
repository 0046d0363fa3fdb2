import { join } from 'node:path'
import type { Config } from '../settings.ts'
import { type FileStorage, folderStorage } from './storage.ts'

type Place = Pick<
  Config,
  'dataDir' | 's3Bucket' | 's3Endpoint' | 's3Region' | 's3AccessKeyId' | 's3SecretAccessKey' | 's3PathStyle'
>

/** Opens the storage of files: S3_BUCKET if it is configured, otherwise DATA_DIR/files. */
export async function openStorage(config: Place): Promise<FileStorage> {
  const { s3Bucket: bucket, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = config
  if (bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    return folderStorage(join(config.dataDir, 'files'))
  }
  // Loaded on demand: the client takes 12 MB of memory, which a process with a folder does not need.
  const { s3Storage } = await import('./s3.ts')
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

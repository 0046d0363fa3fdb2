import type { Kernel } from '../../../../kernel/kernel.ts'
import { crmSettings } from '../../../settings.ts'
import { fileAdapter } from './files.ts'
import type { PmsAdapter } from './port.ts'
import { restAdapter } from './rest.ts'

/** The configured property management system; undefined if there is none. */
export function adapterOf({ config }: Pick<Kernel, 'config'>): PmsAdapter | undefined {
  const { pmsUrl: url, pmsKey: key, pmsDropDir: folder } = crmSettings.of(config)
  if (url !== undefined && key !== undefined) return restAdapter({ url, key })
  return folder === undefined ? undefined : fileAdapter(folder)
}

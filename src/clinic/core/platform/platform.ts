import type { Kernel } from '../../../kernel/kernel.ts'
import { clinicSettings } from '../../settings.ts'
import { createWeChatPay } from '../wechatPay/weChatPay.ts'
import type { PaymentPlatform } from './port.ts'

/** The path to which the platform sends its notifications. */
export const NOTIFY_PATH = '/common/wechat-pay/notify'

/** The method of payments by the platform, in orders and the ledger. */
export const PLATFORM_METHOD = 'wechat'

/**
 * The configured payment platform, or null. It is there for what is still open when CLINIC_PAYMENT has another value
 * again.
 */
export function platformOf({ config, clock }: Pick<Kernel, 'config' | 'clock'>): PaymentPlatform | null {
  const settings = clinicSettings.of(config)
  const { wechatPayAppId: appId, wechatPayMerchantId: merchantId, wechatPayMerchantSerial: serial } = settings
  const { wechatPayPrivateKey: privateKey, wechatPayApiKey: apiKey } = settings
  const { wechatPayPublicKey: publicKey, wechatPayPublicKeyId: id } = settings
  if (!appId || !merchantId || !serial || !privateKey || !apiKey || !publicKey || !id) return null
  return createWeChatPay({
    appId,
    merchantId,
    serial,
    privateKey,
    apiKey,
    platformKey: { id, publicKey },
    baseUrl: settings.wechatPayUrl,
    notifyUrl: `${config.publicUrl}${NOTIFY_PATH}`,
    now: () => clock.now(),
  })
}

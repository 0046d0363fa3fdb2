import { onOff, pathPrefixes } from '../config/kinds.ts'
import { defineSettings, setting } from '../config/settings.ts'

/** The environment variables of the room product. */
export const roomSettings = defineSettings({
  basePrefixes: setting(
    'Room',
    'ROOM_BASE_PREFIXES',
    pathPrefixes,
    ['/prod-api', '/dev-api', '/stage-api'],
    'Prefixes under which every path of the room product works too: its published web client is built with one.',
  ),
  captcha: setting(
    'Room',
    'ROOM_CAPTCHA',
    onOff,
    false,
    'Whether logging in and registering in the room product’s web client require the letters of a picture.',
  ),
})

import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { addBuilding } from '../places/buildings/service.ts'
import { addRoom, changeRoom } from '../places/rooms/service.ts'

/** The campus of the demo. */
export interface DemoPlaces {
  /** The building whose bookings the student worker decides about. */
  readonly library: number
  /** Rooms for a few people, booked every day. */
  readonly small: readonly number[]
  readonly dance: number
  readonly hall: number
  readonly club: number
  /** Open day and night. */
  readonly night: number
}

/** Three buildings with twelve rooms. */
export async function buildPlaces(kernel: Kernel, admin: Caller): Promise<DemoPlaces> {
  const library = await addBuilding(kernel, admin, { buildingName: '图书信息楼', remark: '一层服务台领取钥匙' })
  const students = await addBuilding(kernel, admin, { buildingName: '大学生活动中心' })
  const arts = await addBuilding(kernel, admin, { buildingName: '艺术楼', remark: '乐器使用后请归位' })

  const daily = (opens: string, closes: string) => [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, opens, closes }))
  const room = (
    buildingId: number,
    floorNo: number,
    roomName: string,
    capacity: number,
    equipmentTags: string,
    openHours = daily('08:00', '22:00'),
  ) => addRoom(kernel, admin, { buildingId, floorNo, roomName, capacity, equipmentTags, openHours })

  const small = [
    await room(library, 2, '研讨室201', 8, '白板,显示屏'),
    await room(library, 2, '研讨室202', 8, '白板,显示屏'),
    await room(library, 3, '会议室301', 20, '白板,投影仪,视频会议'),
    await room(students, 2, '会议室208', 16, '白板,电视'),
    await room(arts, 3, '琴房305', 4, '钢琴'),
    await room(arts, 3, '排练室308', 15, '音响,把杆'),
  ]
  const night = await room(library, -1, '通宵自习室B101', 40, '插座,饮水机', [])
  const hall = await room(students, 1, '多功能厅', 120, '投影仪,音响,舞台灯光')
  const club = await room(students, 3, '社团活动室312', 25, '白板,音响')
  await room(students, 3, '社团活动室313', 25, '白板')
  const dance = await room(arts, 1, '舞蹈房101', 30, '把杆,镜墙,音响', daily('09:00', '21:30'))
  const studio = await room(arts, 4, '录音棚401', 6, '麦克风,调音台,隔音')
  // Out of use until its machines are repaired.
  await changeRoom(kernel, admin, studio, { status: '1' })
  return { library, small, dance, hall, club, night }
}

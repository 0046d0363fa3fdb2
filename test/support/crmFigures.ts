import { sql } from 'kysely'
import { insertConsumption } from '../../src/crm/core/consumptionStore.ts'
import { dayOf } from '../../src/crm/core/days.ts'
import { countMessages, insertMessage } from '../../src/crm/core/messagesStore.ts'
import { type CrmWorld, member } from './crm.ts'

/** What a recipient did, as times in UTC. */
export interface Deeds {
  readonly sent: string
  readonly opened?: string
  readonly clicked?: string
}

/** A campaign with its recipients, its days by the CRM's zone, and its counters. Returns the ids of the recipients. */
export async function campaign(
  world: CrmWorld,
  title: string,
  deeds: readonly Deeds[],
): Promise<{ id: number; members: number[] }> {
  const [made] = await world.rows<{ id: number; batch: number }>(`
    WITH template AS (
      INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id
    ), campaign AS (
      INSERT INTO campaigns (title, template_id, target_audience, status, created_at)
      SELECT '${title}', id, '{}', 'sent', now() FROM template RETURNING id
    ), link AS (
      INSERT INTO crm_links (campaign_id, position, label) SELECT id, 0, 'l' FROM campaign
    )
    INSERT INTO crm_batches (campaign_id, kind, state, next_try_at) SELECT id, 'push', 'done', now() FROM campaign
    RETURNING campaign_id AS id, id AS batch`)
  const { id = 0, batch = 0 } = made ?? {}
  const members: number[] = []
  const time = (text: string | undefined) => (text === undefined ? 'NULL' : `timestamptz '${text}'`)
  for (const { sent, opened, clicked } of deeds) {
    const one = await member(world)
    members.push(one.id)
    const status = clicked ? 'clicked' : opened ? 'opened' : 'sent'
    await world.rows(`
      WITH recipient AS (
        INSERT INTO campaign_recipients (campaign_id, member_id, sent_at, opened_at, clicked_at, status, batch_id, line_uid)
        VALUES (${id}, ${one.id}, ${time(sent)}, ${time(opened)}, ${time(clicked)}, '${status}', ${batch}, 'U')
        RETURNING id, clicked_at
      )
      INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
      SELECT ${id}, r.id, ${one.id}, l.id, r.clicked_at FROM recipient r, crm_links l
      WHERE l.campaign_id = ${id} AND r.clicked_at IS NOT NULL`)
    for (const [column, at] of [
      ['sent', sent],
      ['opened', opened],
      ['clicked', clicked],
    ] as const)
      if (at !== undefined)
        await world.rows(`
          INSERT INTO crm_campaign_days AS d (campaign_id, day, ${column})
          VALUES (${id}, '${dayOf(world.kernel, new Date(at))}', 1)
          ON CONFLICT (campaign_id, day) DO UPDATE SET ${column} = d.${column} + 1`)
  }
  await world.rows(`
    UPDATE campaigns SET recipient_count = ${deeds.length}, sent_count = ${deeds.length},
      opened_count = ${deeds.filter(({ opened }) => opened).length},
      clicked_count = ${deeds.filter(({ clicked }) => clicked).length} WHERE id = ${id}`)
  return { id, members }
}

let orders = 0

/** A consumption record of a member, with its conversions. */
export async function buys(world: CrmWorld, memberId: number, at: string, days = 7): Promise<void> {
  orders += 1
  await world.kernel.transaction((tx) =>
    insertConsumption(
      tx,
      [
        {
          memberId,
          orderNumber: `O-${orders}`,
          roomType: null,
          amount: '1.00',
          checkIn: null,
          checkOut: null,
          nights: null,
          source: 'manual',
          createdAt: new Date(at),
          syncedAt: null,
        },
      ],
      { days, zone: 'Asia/Taipei', replaces: false },
    ),
  )
}

/** Messages at noon of a local day. */
export async function messages(
  world: CrmWorld,
  day: string,
  sender: 'manual' | 'auto' | 'campaign' | undefined,
  count: number,
) {
  const { id: memberId } = await member(world)
  const createdAt = new Date(`${day}T12:00:00+08:00`)
  const direction = sender === undefined ? 'incoming' : 'outgoing'
  await world.kernel.transaction(async (tx) => {
    if (sender !== 'campaign') {
      for (let n = 0; n < count; n += 1)
        await insertMessage(tx, { memberId, content: 'x', direction, type: 'text', sender, createdAt }, day)
      return
    }
    await sql`
      INSERT INTO messages (member_id, content, direction, message_type, sender_type, created_at)
      SELECT ${memberId}, 'x', ${direction}, 'text', ${sender}, ${createdAt}
      FROM generate_series(1, ${count}::int)`.execute(tx)
    await countMessages(tx, day, { direction, sender }, count)
  })
}

import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'

/** What is stored twice about members and tags, compared with the rows that decide. */
export async function findMemberDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    SELECT 'members' AS "check", 'all' AS subject, coalesce((SELECT sum(count) FROM crm_member_counts), 0)::text AS stored,
      (SELECT count(*) FROM members WHERE deleted_at IS NULL)::text AS computed
    UNION ALL
    SELECT 'members of a tag', 'tag ' || t.id, t.count::text, count(r.id)::text
    FROM (SELECT id, member_count AS count FROM member_tags UNION ALL SELECT id, member_count FROM interaction_tags) t
    LEFT JOIN member_tag_relations r ON r.tag_id = t.id
    GROUP BY t.id, t.count
    UNION ALL
    SELECT 'triggers of a tag', 'tag ' || t.id, t.trigger_count::text, count(l.id)::text
    FROM interaction_tags t LEFT JOIN tag_trigger_logs l ON l.tag_id = t.id
    GROUP BY t.id, t.trigger_count`.execute(db)
  return rows.filter(({ stored, computed }) => stored !== computed)
}

import { defineConstraints } from '../kernel/database/constraints.ts'
import { missing, taken } from './refusals.ts'

// Errors for violated constraints of this product's tables.
defineConstraints({
  members_line_uid_key: () => taken('line_uid', 'Another member has this LINE account.'),
  members_phone_key: () => taken('phone', 'Another member has this phone number.'),
  members_id_number_key: () => taken('id_number', 'Another member has this id number.'),
  members_email_key: () => taken('email', 'Another member has this e-mail address.'),
  member_tags_name_key: () => taken('name', 'Another tag has this name.'),
  member_tag_relations_member_tag: () => missing('tag'),
  member_tag_relations_interaction_tag: () => missing('tag'),
  crm_segments_name_key: () => taken('name', 'Another segment has this name.'),
  crm_quick_replies_title_key: () => taken('title', 'Another quick reply has this title.'),
  consumption_records_order_key: () => taken('order_number', 'Another record has this order number.'),
  auto_response_keywords_key: () => taken('keywords', 'The keyword is given twice.'),
})

/** Descriptions of the tags of this product's routes. */
export const tags = {
  'CRM accounts': 'Log-in and system users.',
  'CRM members': 'Members of the hotel: data, tags, notes, consumption, import and export.',
  'CRM segments': 'Saved conditions on members.',
  'CRM tags': 'Tags of members, and tags of interactions with campaigns.',
  'CRM templates': 'Message templates and their pictures.',
  'CRM campaigns': 'Messages to many members, and what became of them.',
  'CRM auto-responses': 'Automatic answers to new friends, keywords and times of day.',
  'CRM messages': 'Conversations with members.',
  'CRM analytics': 'Figures of messages and campaigns.',
  'CRM PMS': 'Synchronisation with the hotel’s property management system.',
  'CRM LINE': 'The LINE channel and its webhook.',
} as const

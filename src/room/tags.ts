/** Descriptions of the tags of the room routes. */
export const tags: Readonly<Record<string, string>> = {
  'Front door': 'Registering, logging in and out, as the published web client does.',
  'Room administration': 'Buildings and rooms.',
  'Room closures': 'Times at which rooms can’t be booked.',
  'Room bookings (desk)': 'Bookings as administrators and student workers see them.',
  'Room audit': 'Deciding about bookings that wait.',
  'Room rules': 'What limits apply to bookings.',
  'Room bans': 'People who may not book for a time.',
  'Room figures': 'Which rooms are used, by whom and when.',
  'Room portal': 'Finding a room, booking it, and one’s own bookings.',
}

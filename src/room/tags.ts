/** Descriptions of the tags of the room routes. */
export const tags: Readonly<Record<string, string>> = {
  'Room web client': 'Registering, logging in and out, as the published web client does it.',
  'Room administration': 'Buildings and rooms.',
  'Room closures': 'Times at which rooms can’t be booked.',
  'Room bookings (staff)': 'Bookings as administrators and student workers see them.',
  'Room approval': 'Deciding about pending bookings.',
  'Room rules': 'The limits of bookings.',
  'Room bans': 'People who may not book, until a time or without end.',
  'Room statistics': 'The use of rooms: which, by whom and when.',
  'Room portal': 'Finding a room, booking it, and your own bookings.',
}

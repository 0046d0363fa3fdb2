/** Descriptions of the tags of this product's routes. */
export const tags = {
  'Clinic places': 'Areas, departments, clinics and prices.',
} as const

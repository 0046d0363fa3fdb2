/** Last steps of paths that name an action on the thing before them. */
const verbs: ReadonlySet<string> = new Set([
  ...['accept', 'approve', 'cancel', 'check-in', 'check-out', 'claim', 'close', 'confirm', 'enable', 'export'],
  ...['generate', 'hide', 'import', 'leave', 'preview', 'rebook', 'register', 'reject', 'reopen', 'reset', 'retry'],
  ...['search', 'stop', 'transfer', 'unhide'],
])

/** Verbs that act on a whole collection. */
const collectiveVerbs: ReadonlySet<string> = new Set(['export', 'generate', 'import', 'retry', 'search'])

/** Last words of nouns that look plural but are read and set as one thing. */
const singleThings: ReadonlySet<string> = new Set(['controls', 'hours', 'points', 'preferences', 'rules', 'status'])

/** Last words of nouns that are the same in the plural. */
const unchanging: ReadonlySet<string> = new Set(['feedback', 'list', 'maintenance'])

/**
 * The name of an operation as a method of a client, derived from its method and path: `listVenues`, `getVenue`,
 * `createVenue`, `approveReservation`, `listMyIdentities`. The noun is the last fixed step of the path, prefixed by its
 * owner: `/venues/{id}/rules` gives `VenueRules`. A route whose derived name does not read well declares its own
 * `operationId`.
 */
export function operationIdOf(method: string, path: string): string {
  const steps = path.split('/').filter((step) => step !== '' && step !== 'list')
  const fixed = steps.flatMap((step, index) => (isParameter(step) || step === 'me' ? [] : [{ step, index }]))
  const last = fixed.at(-1)
  if (!last) return camelCase(method.toLowerCase())
  const verb = last.index === steps.length - 1 && verbs.has(last.step) ? last.step : undefined
  const noun = verb === undefined ? last : fixed.at(-2)
  if (!noun) return camelCase(last.step)
  const owner = ownerOf(steps, noun.index)
  if (verb !== undefined) return camelCase(verb, owner, (collectiveVerbs.has(verb) ? plural : singular)(noun.step))
  const isOne = noun.index < steps.length - 1
  const isCollection = !isOne && (path.endsWith('/list') || isPlural(noun.step))
  const action = actionOf(method, { isCollection, isOwned: owner !== '' && !isOne })
  if (action === 'list') return camelCase(action, owner, plural(noun.step))
  return camelCase(action, owner, action === 'set' ? noun.step : singular(noun.step))
}

function actionOf(method: string, { isCollection, isOwned }: { isCollection: boolean; isOwned: boolean }): string {
  if (method === 'GET') return isCollection ? 'list' : 'get'
  if (method === 'POST') return 'create'
  if (method === 'DELETE') return 'delete'
  return method === 'PUT' && isOwned ? 'set' : 'update'
}

/** `my` below or before `me`, otherwise the thing whose id stands right before the noun. */
function ownerOf(steps: readonly string[], at: number): string {
  const before = steps[at - 1] ?? ''
  if (before === 'me' || steps[at + 1] === 'me') return 'my'
  return isParameter(before) ? singular(steps[at - 2] ?? '') : ''
}

function isParameter(step: string): boolean {
  return /^[{:]/.test(step)
}

function isPlural(noun: string): boolean {
  const word = noun.split('-').at(-1) ?? ''
  return unchanging.has(word) || (word.endsWith('s') && !singleThings.has(word))
}

function singular(noun: string): string {
  if (!isPlural(noun)) return noun
  return noun.endsWith('ies') ? noun.replace(/ies$/, 'y') : noun.replace(/s$/, '')
}

function plural(noun: string): string {
  if (isPlural(noun) || noun.endsWith('s')) return noun
  return noun.endsWith('y') ? noun.replace(/y$/, 'ies') : `${noun}s`
}

function camelCase(...words: readonly string[]): string {
  return words
    .filter((word) => word !== '')
    .join('-')
    .replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())
}

/** A fault of a message object, as LINE names it. */
export interface MessageFault {
  readonly property: string
  readonly message: string
}

/** The members of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export interface Size {
  readonly least: number
  readonly most: number
}

export function faultsOfSize(list: unknown, property: string, { least, most }: Size): readonly MessageFault[] {
  const { length } = listOf(list)
  return length < least || length > most ? [{ property, message: `Size must be between ${least} and ${most}` }] : []
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** How LINE counts titles, texts and labels of template messages. */
export const graphemes = (text: string): number => [...segmenter.segment(text)].length
/** How LINE counts everything else. */
const utf16 = (text: string): number => text.length

const MOST_LABEL = 20

interface TextLimit {
  readonly most: number
  readonly unit?: (text: string) => number
}

export function faultOfText(
  property: string,
  value: unknown,
  { most, unit = utf16 }: TextLimit,
): readonly MessageFault[] {
  if (typeof value !== 'string' || value.trim() === '') return [{ property, message: 'may not be empty' }]
  if (!value.isWellFormed()) return [{ property, message: 'must be well-formed' }]
  return unit(value) > most ? [{ property, message: `Length must be between 1 and ${most}` }] : []
}

/** What LINE says of a picture over http. */
export const ONLY_HTTPS = 'Invalid URI scheme: must be https'

/** The address of a picture: https only. */
export function faultOfAddress(property: string, value: unknown): readonly MessageFault[] {
  const faults = faultOfText(property, value, { most: 2000 })
  if (faults.length > 0) return faults
  const isAddress = /^https:\/\/[!-~]+$/.test(String(value)) && URL.canParse(String(value))
  return isAddress ? [] : [{ property, message: ONLY_HTTPS }]
}

interface ActionLimit {
  /** Grapheme clusters of the label. */
  readonly label?: number
  readonly needsLabel?: boolean
}

export function faultsOfAction(
  action: unknown,
  property: string,
  { label: most = MOST_LABEL, needsLabel = true }: ActionLimit = {},
): readonly MessageFault[] {
  const fields = fieldsOf(action)
  if (!fields) return [{ property, message: 'must be specified' }]
  const { type, label, uri, data, displayText, text } = fields
  const labelFaults =
    label === undefined && !needsLabel ? [] : faultOfText(`${property}.label`, label, { most, unit: graphemes })
  switch (type) {
    case 'uri':
      return [...labelFaults, ...faultsOfUri(`${property}.uri`, uri)]
    case 'postback':
      return [
        ...labelFaults,
        ...faultOfText(`${property}.data`, data, { most: 300 }),
        ...(displayText === undefined ? [] : faultOfText(`${property}.displayText`, displayText, { most: 300 })),
      ]
    case 'message':
      return [...labelFaults, ...faultOfText(`${property}.text`, text, { most: 300 })]
    default:
      return [{ property: `${property}.type`, message: 'must be a type of action' }]
  }
}

function faultsOfUri(property: string, uri: unknown): readonly MessageFault[] {
  const faults = faultOfText(property, uri, { most: 1000 })
  if (faults.length > 0) return faults
  return /^(https?:\/\/|line:\/\/|tel:)[!-~]+$/.test(String(uri)) ? [] : [{ property, message: 'Invalid URI' }]
}

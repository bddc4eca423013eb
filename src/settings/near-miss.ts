import { editDistance } from '../edit-distance.ts'
import { VARIABLE_NAMES } from './variables.ts'

/** Other names that people use for them. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  LAN_NM: ['NETMASK', 'NET_MASK', 'LAN_NETMASK', 'LAN_MASK', 'LANMASK', 'LAN_PREFIX'],
  LAN_IP: ['LAN_ADDRESS', 'LAN_ADDR', 'LAN_IPADDR', 'LAN_IPADDRESS', 'LAN_IP_ADDRESS', 'LAN_IPV4'],
  // By edit distance TRUSTED would be nearest to UNTRUSTED, its opposite.
  WHITELIST: ['WHITE_LIST', 'ALLOWLIST', 'TRUSTED'],
  BANTIME: ['BAN_TIME'],
  FINDTIME: ['FIND_TIME'],
  MAXRETRY: ['MAX_RETRY'],
  BANACTION: ['BAN_ACTION'],
}

/** Close to a known name, but meant as written: servers without a LAN have them. */
const OTHERS: ReadonlySet<string> = new Set(['WAN_IP', 'WAN_NM'])

const digitsOf = (name: string): string => name.replace(/\D+/g, '')

/**
 * Whether a name is a slip in one that is set as well, such as WHITLIST beside WHITELIST, and not another program's variable, such
 * as LAN_IF or LAN_IP2 beside LAN_IP: in a word of three letters any other letter makes another word, and a number tells
 * variables apart.
 */
const isSlip = (upper: string, known: string): boolean => {
  const longest = Math.max(...known.split('_').map((word) => word.length))
  const allowed = longest < 4 ? 0 : longest < 8 ? 1 : 2
  return editDistance(upper, known) <= allowed && digitsOf(upper) === digitsOf(known)
}

/** The variable that was probably meant by `name`, or undefined. `present`: the names that are set. */
export const nearMiss = (name: string, present: ReadonlySet<string>): string | undefined => {
  const upper = name.toUpperCase().slice(0, 40)
  if (OTHERS.has(upper)) return undefined
  const alias = Object.keys(ALIASES).find((known) => ALIASES[known]?.includes(upper))
  const ranked = [...VARIABLE_NAMES]
    // Each character too many or too few is an edit.
    .filter((known) => Math.abs(known.length - upper.length) <= 2)
    .map((known) => ({ known, edits: editDistance(upper, known) }))
    .filter(({ known, edits }) => edits <= (known.length < 8 ? 1 : 2))
    .sort((a, b) => a.edits - b.edits)
  const meant = alias ?? ranked[0]?.known
  if (meant === undefined || meant === name) return undefined
  return !present.has(meant) || isSlip(upper, meant) ? meant : undefined
}

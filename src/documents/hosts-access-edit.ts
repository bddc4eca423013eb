import {
  contains,
  formatAddress,
  formatNetmask,
  isHost,
  isIPv4,
  type Network,
  networkOf,
  parseAddress,
  parseNetwork,
  unmapped,
} from '../network.ts'
import { clientCovers } from './client-patterns.ts'
import type { Daemon } from './daemon-patterns.ts'
import { deletion, type Edit, type Span } from './edit.ts'
import { createRereader, decides, decisionOf, type HostsAccess, type Rule } from './hosts-access.ts'
import { lineEnd } from './lines.ts'
import { notContaining } from './other-addresses.ts'
import { setGrants } from './owned-block.ts'
import { isWord } from './wrapper-tokens.ts'

const entryFor = (given: Network): string => {
  const network = networkOf(given)
  const address = formatAddress(network.bytes)
  if (isIPv4(network)) return `ALL: ${address}${isHost(network) ? '' : `/${formatNetmask(network)}`}`
  return `ALL: [${address}]${isHost(network) ? '' : `/${network.prefix}`}`
}

/** The text of a rule that has a line for itself, without its line ending; null: it has not. */
const wholeLine = (text: string, { offset, end }: Span): string | null => {
  const line = text.slice(offset, end)
  return /\n./s.test(line) ? null : line.replace(/\r?\n$/, '')
}

/** Whether it is an `ALL: ADDRESS/MASK` of the article, meant to be a wanted network, but matching no client. */
const isIneffective = (client: string, networks: readonly Network[]): boolean => {
  const meant = parseNetwork(client.replace('//', '/'))
  if (meant === null || !isIPv4(meant) || !client.includes('/')) return false
  return networks.some(
    (network) =>
      network.prefix === meant.prefix &&
      contains(network, meant) &&
      !clientCovers(client, networkOf(network)),
  )
}

/**
 * Edits to hosts.allow after which `decides` returns 'allow' for every network, for any daemon (null) and for each of these.
 * Of the admin's lines it deletes only `ALL: X` with `isObsolete(X)`, or if X was meant to be one of the networks and matches
 * no client.
 */
export const setAllowed = (
  doc: HostsAccess,
  networks: readonly Network[],
  libwrapDaemons: readonly string[],
  isObsolete: (client: string) => boolean,
): Edit[] => {
  const wanted = networks.map(unmapped)
  const daemons: readonly Daemon[] = [null, ...libwrapDaemons]
  const residue = doc.rules.filter((rule) => {
    const [client = '', ...more] = rule.clients
    const plain = rule.daemons.length === 1 && isWord(rule.daemons[0] as string, 'ALL') && more.length === 0
    if (!plain || client === '' || rule.options.length > 0 || wholeLine(doc.text, rule) === null) return false
    return isObsolete(client) || isIneffective(client, wanted)
  })
  const parse = createRereader(doc, notContaining(wanted))
  return setGrants(doc.text, wanted, {
    entry: entryFor,
    read: (text) => {
      const reread = parse(text)
      return (network) => daemons.every((daemon) => decides(reread, network, 'allow', daemon) === 'allow')
    },
    // The first match wins, and libwrap stops at a line that is too long or unfinished: the block has to be before those.
    position: (text, refused) => {
      const { rules, readUpTo } = parse(text === '' || text.endsWith('\n') ? text : `${text}\n`)
      const denying = rules.find((rule) =>
        refused.some((network) =>
          daemons.some((daemon) => decisionOf(rule, network, 'allow', daemon) === 'deny'),
        ),
      )
      return Math.min(readUpTo, denying?.offset ?? text.length, text.length)
    },
    residue,
    eol: lineEnd(doc.text),
  })
}

/** As portsentry's KILL_HOSTS_DENY writes it; 2.x writes IPv6 addresses without brackets. */
const WRITTEN_BY_PORTSENTRY = /^ALL:[ \t]*\[?([\da-f.:]+?)\]?[ \t]*(?::[ \t]*DENY[ \t]*)?$/i

/** What the rules of a file are looked up in. */
interface Rules {
  readonly text: string
  readonly rules: Iterable<Rule>
}

interface Denial extends Span {
  readonly address: string
}

/** The lines of hosts.deny that portsentry wrote. */
function* denials({ text, rules }: Rules): Generator<Denial> {
  for (const { offset, end } of rules) {
    const line = wholeLine(text, { offset, end })
    const address = line === null ? undefined : WRITTEN_BY_PORTSENTRY.exec(line)?.[1]
    if (address !== undefined && parseAddress(address) !== null) yield { address, offset, end }
  }
}

/** Addresses that portsentry has put into hosts.deny. */
export const deniedAddresses = (file: Rules): string[] => Array.from(denials(file), ({ address }) => address)

/** Edits to hosts.deny that delete the lines portsentry wrote for addresses that match, and no others. */
export const removeDenied = (file: Rules, matches: (client: string) => boolean): Edit[] => {
  const edits: Edit[] = []
  for (const denial of denials(file)) if (matches(denial.address)) edits.push(deletion(denial))
  return edits
}

/** The rules that have a line for themselves and name only this file; `counts`: for all daemons, and read. */
const naming = (doc: HostsAccess, path: string) =>
  doc.rules
    .filter(
      (rule) => rule.clients.length === 1 && rule.clients[0] === path && wholeLine(doc.text, rule) !== null,
    )
    .map((rule) => {
      const [daemon = '', ...more] = rule.daemons
      const isForAll = isWord(daemon, 'ALL') && more.length === 0 && rule.options.length === 0
      return { rule, counts: isForAll && rule.offset < doc.readUpTo }
    })

/** Edits to hosts.deny after which one line refuses the hosts in a file of patterns, or, unless wanted, none. */
export const setDenyFile = (doc: HostsAccess, path: string, isWanted: boolean): Edit[] => {
  const { text, readUpTo } = doc
  const own = naming(doc, path)
  const kept = isWanted ? own.find(({ counts }) => counts) : undefined
  const removed = own.filter((each) => each !== kept).map(({ rule }) => deletion(rule))
  if (!isWanted || kept !== undefined) return removed
  const withLineAt = (offset: number): Edit[] => [
    { offset, length: 0, text: `ALL: ${path}${lineEnd(text)}` },
    ...removed,
  ]
  // After a NUL byte or a backslash at the end, the new line would be part of that line.
  const lastLine = text.slice(text.lastIndexOf('\n', text.length - 2) + 1)
  return withLineAt(readUpTo === text.length && /\0|\\\n$/.test(lastLine) ? 0 : readUpTo)
}

import type { Topology } from '../facts/ip.ts'
import { formatAddress, formatCidr, isIPv4, type Network, networkOf, parseNetwork } from '../network.ts'
import { shortList } from '../phrases.ts'
import { networksInstead } from '../policy/lan-check.ts'
import type { Answers } from '../policy/proposal.ts'
import { type Complaint, readLan, readUntrusted, readWhitelist } from '../settings/lan.ts'
import type { GlobalOptions } from './output.ts'

export interface InitOptions extends GlobalOptions {
  readonly defaults?: boolean
  /** False: there is no LAN. */
  readonly lan?: string | false
  readonly whitelist?: string
  readonly untrusted?: string
  readonly yes?: boolean
}

const quoteAll = (entries: readonly string[]): string =>
  shortList(
    entries.map((entry) => `"${entry}"`),
    8,
  )

type Read<T> = { readonly value: T } | { readonly fault: string }

/** All that is wrong, without a subject; entries of a list that are wrong in the same way are named together. */
const errorOf = (complaints: readonly Complaint[]): string | null => {
  const errors = complaints.filter(({ severity }) => severity !== 'warning')
  const kinds = [...new Map(errors.map((error) => [error.code, error])).values()]
  const texts = kinds.map(({ code, name, message, hint, entry }) => {
    const entries = errors.flatMap((error) => (error.code === code ? (error.entry ?? []) : []))
    const named = entry === undefined ? message : message.replace(`"${entry}"`, () => quoteAll(entries))
    return `${name === 'LAN_NM' ? named.replace(/^is/, 'has the prefix') : named}: ${hint}`
  })
  return texts.length === 0 ? null : texts.join('; and it ')
}

/** The LAN as `192.168.1.10/24` or `192.168.1.10/255.255.255.0`: a network of this server, where those are known. */
export const readLanAnswer = (text: string, topology: Topology | null = null): Read<Network> => {
  const network = parseNetwork(text.trim())
  if (network === null || !isIPv4(network) || !text.includes('/'))
    return {
      fault: `is "${text}": give this server's IPv4 address in its LAN with the prefix, such as 192.168.1.10/24`,
    }
  const read = readLan(formatAddress(network.bytes), String(network.prefix))
  const fault = Array.isArray(read) ? errorOf(read) : null
  if (fault !== null) return { fault }
  const instead = topology && networksInstead(network, topology)
  return instead === null
    ? { value: network }
    : {
        fault: `is in ${formatCidr(networkOf(network))}, where this server is not: it has ${instead}; name one of these networks, others can be whitelisted`,
      }
}

export const readWhitelistAnswer = (text: string): Read<Required<Pick<Answers, 'whitelist' | 'names'>>> => {
  const { networks, names, complaints } = readWhitelist(text)
  const fault = errorOf(complaints)
  return fault === null ? { value: { whitelist: networks.map(networkOf), names } } : { fault }
}

const readUntrustedAnswer = (text: string): Read<Network[]> => {
  const { networks, complaints } = readUntrusted(text, () => false)
  const fault = errorOf(complaints)
  return fault === null ? { value: networks } : { fault }
}

const readGivenLan = (lan: InitOptions['lan']): Read<Network | null> | undefined =>
  lan === undefined ? undefined : lan === false ? { value: null } : readLanAnswer(lan)

/** What the options answer, or what is wrong with each of them. */
export const readAnswers = ({
  lan,
  whitelist,
  untrusted,
}: InitOptions): { readonly value: Answers } | { readonly faults: readonly string[] } => {
  const given = {
    lan: readGivenLan(lan),
    whitelist: whitelist === undefined ? undefined : readWhitelistAnswer(whitelist),
    untrusted: untrusted === undefined ? undefined : readUntrustedAnswer(untrusted),
  }
  const faults = Object.entries(given).flatMap(([name, read]) =>
    read !== undefined && 'fault' in read ? [`--${name} ${read.fault}`] : [],
  )
  if (faults.length > 0) return { faults }
  const answerOf = <T>(read: Read<T> | undefined): T | undefined =>
    read !== undefined && 'value' in read ? read.value : undefined
  const values = {
    lan: answerOf(given.lan),
    ...answerOf(given.whitelist),
    untrusted: answerOf(given.untrusted),
  }
  return { value: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) }
}

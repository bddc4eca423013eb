import { formatAddress, isIPv4, type Network, networkOf, parseNetwork } from '../network.ts'
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

type Read<T> = { readonly value: T } | { readonly fault: string }

const errorOf = (complaints: readonly Complaint[]): string | null => {
  const found = complaints.find(({ severity }) => severity !== 'warning')
  return found === undefined ? null : `${found.message}: ${found.hint}`
}

/** The LAN as `192.168.1.10/24` or `192.168.1.10/255.255.255.0`. */
export const readLanAnswer = (text: string): Read<Network> => {
  const network = parseNetwork(text.trim())
  if (network === null || !isIPv4(network) || !text.includes('/'))
    return {
      fault: `is "${text}": give this server's IPv4 address in its LAN with the prefix, such as 192.168.1.10/24`,
    }
  const read = readLan(formatAddress(network.bytes), String(network.prefix))
  const fault = Array.isArray(read) ? errorOf(read) : null
  return fault === null ? { value: network } : { fault }
}

export const readWhitelistAnswer = (text: string): Read<Network[]> => {
  const { networks, complaints } = readWhitelist(text)
  const fault = errorOf(complaints)
  return fault === null ? { value: networks.map(networkOf) } : { fault }
}

const readUntrustedAnswer = (text: string): Read<Network[]> => {
  const { networks, complaints } = readUntrusted(text, () => false)
  const fault = errorOf(complaints)
  return fault === null ? { value: networks } : { fault }
}

/** What the options answer, or what is wrong with one of them. */
export const readAnswers = ({ lan, whitelist, untrusted }: InitOptions): Read<Answers> => {
  const given = {
    lan: lan === undefined ? undefined : lan === false ? { value: null } : readLanAnswer(lan),
    whitelist: whitelist === undefined ? undefined : readWhitelistAnswer(whitelist),
    untrusted: untrusted === undefined ? undefined : readUntrustedAnswer(untrusted),
  }
  for (const [name, read] of Object.entries(given))
    if (read !== undefined && 'fault' in read) return { fault: `--${name} ${read.fault}` }
  const values = Object.entries(given).flatMap(([name, read]) =>
    read !== undefined && 'value' in read ? [[name, read.value] as const] : [],
  )
  return { value: Object.fromEntries(values) }
}

import type { Dialect } from '../documents/portsentry-conf.ts'
import { formatAddress } from '../network.ts'
import { addressesOf, blockedRecord } from './blocked-hosts.ts'
import { type HistoryEvent, parseHistory } from './history-reader.ts'

/** One host of a blocked file; 2.x records only the address. */
export type BlockedHost = Pick<HistoryEvent, 'host'> & Partial<HistoryEvent>

/** Files are latin1-decoded texts here, 2.x's records too: one character is one byte. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

/** The hosts in a daemon's blocked file, in the file's order. */
export const parseBlockedFile = (text: string, dialect: Dialect): BlockedHost[] =>
  dialect === '1.2'
    ? parseHistory(text)
    : addressesOf(bytesOf(text)).map((address) => ({ host: formatAddress(address) }))

/** Whether a line contains one of the hosts as a whole address, and not as the end of another one. */
const naming = (hosts: ReadonlySet<string>): ((line: string) => boolean) => {
  const patterns = [...hosts].map((host) => new RegExp(`(?<![\\d.])${host.replaceAll('.', '\\.')}(?![\\d.])`))
  return (line) => patterns.some((pattern) => pattern.test(line))
}

/** Removes every line that contains one of the hosts: IsBlocked() of 1.2 searches the text of a line, not its fields. */
const withoutLines = (text: string, hosts: ReadonlySet<string>): string => {
  const isNamed = naming(hosts)
  return text
    .split(/(?<=\n)/)
    .filter((line) => !isNamed(line))
    .join('')
}

/** Removes records of the hosts. What 2.x does not read, after a truncated record, is kept. */
const withoutRecords = (text: string, hosts: ReadonlySet<string>): string => {
  const records = addressesOf(bytesOf(text)).map((address) => ({ address, bytes: blockedRecord(address) }))
  const size = records.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const kept = records.filter(({ address }) => !hosts.has(formatAddress(address)))
  return kept.map(({ bytes }) => textOf(bytes)).join('') + text.slice(size)
}

/** The file's text without the entries of these hosts (canonical texts); the same text if it has none. */
export const withoutBlocked = (text: string, hosts: ReadonlySet<string>, dialect: Dialect): string =>
  dialect === '1.2' ? withoutLines(text, hosts) : withoutRecords(text, hosts)

import { splitLines } from '../documents/lines.ts'
import { formatAddress, isLoopback, type Network, parseNetwork } from '../network.ts'

/** Addresses that this server depends on, by kind; each kind in a stable order. */
export interface ServerAddresses {
  /** Of its own interfaces. */
  readonly addresses: readonly Network[]
  /** Routers of its default routes. */
  readonly gateways: readonly Network[]
  /** The name servers that it asks. */
  readonly resolvers: readonly Network[]
  /** Broadcast addresses of the IPv4 networks that it is on. */
  readonly broadcasts: readonly Network[]
}

/** Where an apply on the server records them: a plan for a copy of its /etc cannot know them otherwise. */
export const ADDRESSES_PATH = '/etc/portward/addresses'

const KINDS = [
  ['address', 'addresses'],
  ['gateway', 'gateways'],
  ['resolver', 'resolvers'],
  ['broadcast', 'broadcasts'],
] as const

const HEADER = [
  "# Kept by portward: this server's own addresses, default gateways, name servers and broadcast addresses, as an apply",
  '# on the server itself finds them. A plan for a copy of /etc protects them by this list.',
]

export const renderServerAddresses = (known: ServerAddresses): string => {
  // Loopback is protected on every server.
  const entries = KINDS.flatMap(([word, kind]) =>
    known[kind]
      .filter(({ bytes }) => !isLoopback(bytes))
      .map(({ bytes }) => `${word} ${formatAddress(bytes)}`),
  )
  return [...HEADER, ...entries, ''].join('\n')
}

/** Reads what `renderServerAddresses` wrote; skips other lines. */
export const parseServerAddresses = (text: string): ServerAddresses => {
  const lines = splitLines(text).map((line) => line.text.split(' '))
  const hostsOf = (wanted: string): Network[] =>
    lines.flatMap(([word, address = '']) => (word === wanted ? (parseNetwork(address) ?? []) : []))
  return {
    addresses: hostsOf('address'),
    gateways: hostsOf('gateway'),
    resolvers: hostsOf('resolver'),
    broadcasts: hostsOf('broadcast'),
  }
}

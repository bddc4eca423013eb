import { namesPeers, type PeerHost, readPeerHosts } from '../documents/peer-hosts.ts'
import { isLoopback, parseNetwork } from '../network.ts'
import { isTooWide } from '../settings/lan.ts'
import type { Facts } from './facts.ts'

/**
 * Names that resolve to many hosts in turn: if one of them is banned, the others answer, and an entry in WHITELIST would
 * soon be outdated.
 */
const ROTATING = /(?:^|\.)(?:pool\.ntp\.org|debian\.org|localhost)$/i

export const isRotating = (host: string): boolean => ROTATING.test(host)

export interface Dependency extends PeerHost {
  readonly path: string
}

/** Whether an address or network is not one of the hosts that a server depends on: the server itself, or most of the Internet. */
const isNobody = (host: string): boolean => {
  const network = parseNetwork(host)
  return network !== null && (isLoopback(network.bytes) || isTooWide(network))
}

export const findDependencies = ({ files }: Pick<Facts, 'files'>): Dependency[] =>
  [...files]
    .filter(([path]) => namesPeers(path))
    .flatMap(([path, { text }]) => readPeerHosts(path, text).map((peer) => ({ ...peer, path })))
    .filter(({ host }) => !isNobody(host))

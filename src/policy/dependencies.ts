import { namesPeers, type PeerHost, readPeerHosts } from '../documents/peer-hosts.ts'
import { formatAddress, isLoopback, isWithin, type Network, networkOf, parseNetwork } from '../network.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Facts } from './facts.ts'
import { type Release, sees } from './release.ts'

/**
 * Names that resolve to many hosts in turn: if one of them is banned, the others answer, and an entry in WHITELIST would
 * soon be outdated.
 */
const ROTATING = /(?:^|\.)(?:pool\.ntp\.org|debian\.org|localhost)$/i

export const isRotating = (host: string): boolean => ROTATING.test(host)

interface Dependency extends PeerHost {
  readonly path: string
}

export const findDependencies = ({ files }: Pick<Facts, 'files'>): Dependency[] =>
  [...files]
    .filter(([path]) => namesPeers(path))
    .flatMap(([path, { text }]) => readPeerHosts(path, text).map((peer) => ({ ...peer, path })))

/** Each host once, with the first location that names it. */
const listed = (dependencies: readonly Dependency[]): string =>
  dependencies
    .filter(({ host }, index) => dependencies.findIndex((other) => other.host === host) === index)
    .map(({ host, use, path, line }) => `${host} (${use}, ${path}:${line})`)
    .join(', ')

const RISK = 'a forged packet with their source address gets them banned'

/**
 * Hosts that this server depends on by its configuration, and that are not protected. One warning for those that are written
 * as addresses, until they are protected. Names are not resolved, so it is unknown whether they are protected: they are
 * mentioned only if the whitelist is about to be written anyway (`changes`).
 */
export const findDependencyProblems = (
  facts: Facts,
  release: Release,
  protectedNetworks: readonly Network[],
  at: SourceLocation,
  changes: boolean,
): Problem[] => {
  const found = findDependencies(facts).map((dependency) => ({
    dependency,
    network: parseNetwork(dependency.host),
  }))
  const addresses = found.flatMap(({ dependency, network }) =>
    network !== null && sees(release, network) && !isWithin(protectedNetworks, networkOf(network))
      ? [dependency]
      : [],
  )
  const names = found.flatMap(({ dependency, network }) =>
    network === null && !isRotating(dependency.host) ? [dependency] : [],
  )
  // Resolvers on loopback forward to others.
  const resolvers = facts.live?.resolvers ?? []
  const [local] = resolvers.every(({ bytes }) => isLoopback(bytes)) ? resolvers : []
  const asked =
    local === undefined ? [] : [`the name servers that ${formatAddress(local.bytes)} asks (/etc/resolv.conf)`]
  const unresolved = [...asked, ...(names.length > 0 ? [listed(names)] : [])]
  const warn = (code: ProblemCode, message: string, hint: string): Problem => ({
    ...{ severity: 'warning', code, message, hint, at },
  })
  return [
    ...(addresses.length === 0
      ? []
      : [
          warn(
            'unprotected-dependency',
            `this server depends on ${listed(addresses)}, which WHITELIST does not protect: ${RISK}`,
            `add ${[...new Set(addresses.map(({ host }) => host))].join(' ')} to WHITELIST`,
          ),
        ]),
    ...(!changes || unresolved.length === 0
      ? []
      : [
          warn(
            'unresolved-dependency',
            `this server depends on ${unresolved.join(', ')}; it was not checked whether WHITELIST has their addresses: ${RISK}`,
            'add their addresses to WHITELIST unless they are in it; portward does not resolve names',
          ),
        ]),
  ]
}

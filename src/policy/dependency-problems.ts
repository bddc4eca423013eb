import { formatAddress, isLoopback, isWithin, networkOf, parseNetwork } from '../network.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { parseHostName } from '../settings/host-name.ts'
import { type Dependency, findDependencies, isRotating } from './dependencies.ts'
import type { Desired } from './desired.ts'
import type { Facts } from './facts.ts'
import { type Release, sees } from './release.ts'

/** Each host once, with the first location that names it. */
const listed = (dependencies: readonly Dependency[]): string =>
  dependencies
    .filter(({ host }, index) => dependencies.findIndex((other) => other.host === host) === index)
    .map(({ host, use, path, line }) => `${host} (${use}, ${path}:${line})`)
    .join(', ')

const RISK = 'a forged packet with their source address gets them banned'

/**
 * Hosts that this server depends on by its configuration, and that are not protected. One warning for those that are written
 * as addresses, until they are protected. Only names that config.env protects are looked up, so it is unknown whether the
 * addresses of others are: they are mentioned only if the whitelist is about to be written anyway (`changes`).
 */
export const findDependencyProblems = (
  facts: Facts,
  release: Release,
  { protectedNetworks, named }: Pick<Desired, 'protectedNetworks' | 'named'>,
  at: SourceLocation,
  changes: boolean,
): Problem[] => {
  const known = new Set(named.hosts.map(({ host }) => host))
  const found = findDependencies(facts).map((dependency) => ({
    dependency,
    network: parseNetwork(dependency.host),
  }))
  const addresses = found.flatMap(({ dependency, network }) =>
    network !== null && sees(release, network) && !isWithin(protectedNetworks, networkOf(network))
      ? [dependency]
      : [],
  )
  const names = found.flatMap(({ dependency, network }) => {
    const { host } = dependency
    return network !== null || isRotating(host) || known.has(parseHostName(host) ?? host) ? [] : [dependency]
  })
  const warn = (code: ProblemCode, message: string, hint: string): Problem => ({
    ...{ severity: 'warning', code, message, hint, at },
  })
  const unknown = (what: string, hint: string): Problem =>
    warn(
      'unresolved-dependency',
      `this server depends on ${what}; it was not checked whether WHITELIST has their addresses: ${RISK}`,
      hint,
    )
  // Resolvers on loopback forward to others.
  const resolvers = facts.live?.resolvers ?? []
  const [local] = resolvers.every(({ bytes }) => isLoopback(bytes)) ? resolvers : []
  return [
    ...(addresses.length === 0
      ? []
      : [
          warn(
            'unprotected-dependency',
            `this server depends on ${listed(addresses)}, which WHITELIST does not protect: ${RISK}`,
            `add ${[...new Set(addresses.map(({ host }) => host))].join(' ')} to WHITELIST, or set WHITELIST_SERVICES=1`,
          ),
        ]),
    ...(!changes || local === undefined
      ? []
      : [
          unknown(
            `the name servers that ${formatAddress(local.bytes)} asks (/etc/resolv.conf)`,
            'add their addresses to WHITELIST unless they are in it',
          ),
        ]),
    ...(!changes || names.length === 0
      ? []
      : [
          unknown(
            listed(names),
            'set WHITELIST_SERVICES=1, or add their names to WHITELIST, unless it has their addresses',
          ),
        ]),
  ]
}

import {
  contains,
  createMatcher,
  formatCidr,
  isWithin,
  type Network,
  networkOf,
  parseNetwork,
} from '../network.ts'
import { isError, type Problem, renderProblem, type SourceLocation } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import type { Desired } from './desired.ts'
import { type Facts, fileText } from './facts.ts'
import { NAME_VARIABLES, type NamedHost } from './host-names.ts'
import { ADDRESSES_PATH, parseServerAddresses, type ServerAddresses } from './server-addresses.ts'

/** Why a host must never be banned, and the line that says so; `at` null: not from a file. */
export interface Protector {
  readonly entry: string
  readonly at: SourceLocation | null
}

/** The entry with the line it is in, as `path:line: entry`. */
export const describeProtector = ({ entry, at }: Protector): string => {
  if (at === null) return entry
  return `${at.path}${at.line === undefined ? '' : `:${at.line}`}: ${entry}`
}

/**
 * What protects a host: config.env, or an address of the server. `networks` are all protected networks; those that are
 * neither from config.env nor the server's are loopback, link-local and special addresses.
 */
export const findProtectors = (
  host: Network,
  settings: Settings,
  server: Partial<ServerAddresses>,
  networks: readonly Network[],
  named: readonly NamedHost[] = [],
): Protector[] => {
  const at = (name: string): SourceLocation => settings.locations.get(name) ?? { path: settings.path }
  const found: Protector[] = []
  if (settings.lan !== null && contains(settings.lan, host)) {
    found.push({ entry: `LAN_IP and LAN_NM: ${formatCidr(networkOf(settings.lan))}`, at: at('LAN_IP') })
  }
  for (const network of settings.whitelist.filter((given) => contains(given, host))) {
    found.push({ entry: `WHITELIST: ${formatCidr(network)}`, at: at('WHITELIST') })
  }
  for (const { kind, host: name } of named.filter(({ addresses }) => isWithin(addresses, host))) {
    const variable = NAME_VARIABLES[kind]
    found.push({ entry: `${variable}: ${name}`, at: at(variable) })
  }
  if (isWithin(server.addresses ?? [], host)) found.push({ entry: "this server's own address", at: null })
  if (isWithin(server.gateways ?? [], host)) found.push({ entry: "this server's default gateway", at: null })
  if (isWithin(server.resolvers ?? [], host)) found.push({ entry: 'a name server of this server', at: null })
  if (isWithin(server.broadcasts ?? [], host)) found.push({ entry: 'a broadcast address here', at: null })
  if (found.length === 0) {
    const network = networks.find((other) => contains(other, host))
    if (network !== undefined) found.push({ entry: `${formatCidr(network)}, always protected`, at: null })
  }
  return found
}

/** The protection of hosts by config.env and the facts. */
export interface Protection {
  /** Of a host or network, as text. */
  readonly of: (address: string) => readonly Protector[]
  /** Why the protected hosts cannot be determined; null if they can. */
  readonly unknown: string | null
}

interface Judged {
  readonly settings: Settings | null
  readonly facts: Facts
  readonly desired: Pick<Desired, 'protectedNetworks' | 'named'> | null
  readonly problems: readonly Problem[]
}

/** Bans are shown even if config.env is wrong: then without the hosts that it protects. */
export const protectionBy = ({ settings, facts, desired, problems }: Judged): Protection => {
  if (settings === null) {
    const first = problems.find(isError)
    return { of: () => [], unknown: first === undefined ? null : renderProblem(first) }
  }
  const server = facts.live ?? parseServerAddresses(fileText(facts, ADDRESSES_PATH) ?? '')
  const { addresses, gateways, resolvers, broadcasts } = server
  const networks = desired?.protectedNetworks ?? []
  const given = [...(settings.lan === null ? [] : [settings.lan]), ...settings.whitelist, ...networks]
  const isProtected = createMatcher([...given, ...addresses, ...gateways, ...resolvers, ...broadcasts])
  const of = (address: string): Protector[] => {
    const host = isProtected(address) ? parseNetwork(address) : null
    return host === null ? [] : findProtectors(host, settings, server, networks, desired?.named.hosts)
  }
  return { of, unknown: null }
}

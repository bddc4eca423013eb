import { countLines, splitLines } from '../documents/lines.ts'
import { findOwnedMarks } from '../documents/owned-block.ts'
import { formatAddress, isHost, isWithin, type Network, parseNetwork, withoutContained } from '../network.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import { type NamedHosts, type NameKind, resolveHosts } from './host-names.ts'
import { type Release, sees } from './release.ts'
import {
  ADDRESSES_PATH,
  parseServerAddresses,
  renderServerAddresses,
  type ServerAddresses,
} from './server-addresses.ts'

const networks = (...texts: string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? [])

/** fail2ban and hosts.allow do not exempt loopback by themselves; portsentry's stock list has 127.0.0.1 only. */
const LOOPBACK = networks('127.0.0.0/8', '::1')
/** Hosts on the link, including the router: banning it would break IPv6 altogether. */
const LINK_LOCAL_6 = networks('fe80::/10')
/** Clouds have their metadata, name and time servers there (169.254.169.254 and others). */
const LINK_LOCAL_4 = networks('169.254.0.0/16')
/**
 * Addresses that no host has, so that packets from them are forged: "this network", multicast (224.0.0.0/4), reserved ones
 * including the broadcast address (240.0.0.0/4); the unspecified address and multicast of IPv6.
 */
const NO_HOSTS = networks('0.0.0.0/8', '224.0.0.0/3', '::', 'ff00::/8')

const NOTHING: ServerAddresses = { addresses: [], gateways: [], resolvers: [], broadcasts: [] }

export interface ProtectedNetworks {
  /** Never banned. */
  readonly networks: readonly Network[]
  /**
   * Those that hosts.allow names: hosts that may connect. A name server or another service never connects, and addresses that no host has cannot:
   * entries for them would only weaken the admin's hosts.deny.
   */
  readonly hostsAllowNetworks: readonly Network[]
  /** The desired text of ADDRESSES_PATH; undefined: the file is kept as it is. */
  readonly record: string | undefined
  /** The hosts that are protected by name. */
  readonly named: NamedHosts
  readonly problems: readonly Problem[]
}

interface Known {
  readonly server: ServerAddresses
  readonly record: string | undefined
  readonly problems: readonly Problem[]
}

/**
 * Versions before ADDRESSES_PATH had hosts of WHITELIST and the server's own in one block of the ignore list. Those that
 * config.env does not name may be either: an unprotected gateway does more harm than a former WHITELIST entry that is kept.
 */
const readUnmarked = (facts: Facts, { ignorePath }: Release, configured: readonly Network[]): Known => {
  const list = fileText(facts, ignorePath) ?? ''
  const unmarked = findOwnedMarks(list)
    .blocks.flatMap(({ content: { offset, end } }) =>
      splitLines(list.slice(offset, end)).map((line) => ({ ...line, offset: offset + line.offset })),
    )
    .flatMap(({ text, offset }) => networks(text).map((network) => ({ network, offset })))
    .filter(({ network }) => isHost(network) && !isWithin(configured, network))
  const [first] = unmarked
  if (first === undefined) return { server: NOTHING, record: renderServerAddresses(NOTHING), problems: [] }
  const addresses = unmarked.map(({ network }) => network)
  const names = addresses.map(({ bytes }) => formatAddress(bytes)).join(' ')
  return {
    server: { ...NOTHING, addresses },
    record: undefined,
    problems: [
      {
        severity: 'warning',
        code: 'unmarked-hosts',
        message: `${names} remain protected: an earlier version did not record whether they come from WHITELIST or are this server's own addresses and gateways`,
        hint: 'run portward apply on the server itself, which knows its addresses; or delete those from this file that you removed from WHITELIST',
        at: { path: ignorePath, line: countLines(list, 0, first.offset) + 1 },
      },
    ],
  }
}

/** From the running server; for a tree, from what an apply on the server has recorded. */
const findKnown = (facts: Facts, release: Release, configured: readonly Network[]): Known => {
  const { live } = facts
  const text = fileText(facts, ADDRESSES_PATH)
  const recorded = text === undefined ? undefined : parseServerAddresses(text)
  if (live !== null) {
    // An empty resolv.conf means that the network is down: the same name servers will be used again.
    const resolvers = live.resolvers.length > 0 ? live.resolvers : (recorded?.resolvers ?? [])
    const server = { ...live, resolvers }
    return { server, record: renderServerAddresses(server), problems: [] }
  }
  if (recorded !== undefined) return { server: recorded, record: text, problems: [] }
  return readUnmarked(facts, release, configured)
}

/** The networks that must never be banned: those of config.env, of the server and its dependencies, and special addresses. */
export const decideProtectedNetworks = (
  settings: Settings,
  facts: Facts,
  release: Release,
): ProtectedNetworks => {
  const isSeen = (network: Network) => sees(release, network)
  const lan = settings.lan === null ? [] : [settings.lan]
  const named = resolveHosts(settings, facts)
  const addressesOf = (wanted: NameKind) =>
    named.hosts.filter(({ kind }) => kind === wanted).flatMap(({ addresses }) => addresses)
  const configured = [...LOOPBACK, ...lan, ...settings.whitelist, ...addressesOf('whitelist')]
  const always = [...LINK_LOCAL_6, ...LINK_LOCAL_4, ...NO_HOSTS.filter(isSeen)]
  const { server, record, problems } = findKnown(facts, release, [...configured, ...always])
  const hosts = [...server.addresses, ...server.gateways].filter(isSeen)
  const others = [...addressesOf('service'), ...server.resolvers, ...server.broadcasts].filter(isSeen)
  return {
    networks: withoutContained([...configured, ...hosts, ...others, ...always]),
    hostsAllowNetworks: withoutContained([...configured, ...LINK_LOCAL_6.filter(isSeen), ...hosts]),
    record,
    named,
    problems: [...named.problems, ...problems],
  }
}

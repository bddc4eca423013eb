import { splitLines } from '../documents/lines.ts'
import { findOwnedMarks } from '../documents/owned-block.ts'
import { formatAddress, isHost, isWithin, type Network, parseNetwork, withoutContained } from '../network.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import { type Release, sees } from './release.ts'
import {
  ADDRESSES_PATH,
  parseServerAddresses,
  renderServerAddresses,
  type ServerAddresses,
} from './server-addresses.ts'

const networks = (...texts: string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? [])

/** fail2ban and hosts.allow need loopback said; portsentry's stock list has 127.0.0.1 only. */
const LOOPBACK = networks('127.0.0.0/8', '::1')
/** On-link neighbours, the router among them: banning it would end IPv6 altogether. */
const LINK_LOCAL_6 = networks('fe80::/10')
/** Clouds have their metadata, name and time servers there (169.254.169.254 and others). */
const LINK_LOCAL_4 = networks('169.254.0.0/16')
/**
 * Addresses that no host has, so that only a forged packet comes from one: "this network", multicast (224.0.0.0/4), and
 * what is reserved, the broadcast address among it (240.0.0.0/4); the unspecified address and multicast of IPv6.
 */
const NO_HOSTS = networks('0.0.0.0/8', '224.0.0.0/3', '::', 'ff00::/8')

const NOTHING: ServerAddresses = { addresses: [], gateways: [], resolvers: [], broadcasts: [] }

export interface Protection {
  /** Never to be banned. */
  readonly networks: readonly Network[]
  /**
   * Those of them that hosts.allow names: who may well connect. A name server is asked and never connects, and what no
   * host has even less: an entry for them would only weaken the admin's own hosts.deny.
   */
  readonly admitted: readonly Network[]
  /** What the addresses' own file should say; undefined: it stays as it is. */
  readonly record: string | undefined
  readonly problems: readonly Problem[]
}

interface Known {
  readonly server: ServerAddresses
  readonly record: string | undefined
  readonly problems: readonly Problem[]
}

/**
 * Versions before the addresses' own file had hosts of WHITELIST and the server's own in one block of the ignore list.
 * Those that config.env does not name may be either: a gateway that loses its protection does more harm than a former
 * guest that keeps it.
 */
const readUnmarked = (facts: Facts, { ignorePath }: Release, configured: readonly Network[]): Known => {
  const lines = splitLines(fileText(facts, ignorePath) ?? '')
  const unmarked = findOwnedMarks(lines)
    .blocks.flatMap(({ begin, end }) => lines.slice(begin + 1, end))
    .flatMap(({ text, number }) => networks(text).map((network) => ({ network, number })))
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
        message: `${names} stay protected: an earlier version wrote down neither whether they were in WHITELIST nor whether they are this server's own addresses and gateways`,
        hint: 'run portward apply on the server itself, which knows its own; or delete here those that you took out of WHITELIST',
        at: { path: ignorePath, line: first.number },
      },
    ],
  }
}

/** A running server is asked; of a tree, what an apply on the server has written down. */
const findKnown = (facts: Facts, release: Release, configured: readonly Network[]): Known => {
  const { live } = facts
  const text = fileText(facts, ADDRESSES_PATH)
  const recorded = text === undefined ? undefined : parseServerAddresses(text)
  if (live !== null) {
    // A resolv.conf that names nobody is that of a server whose network is down: it will ask the same ones again.
    const resolvers = live.resolvers.length > 0 ? live.resolvers : (recorded?.resolvers ?? [])
    const server = { ...live, resolvers }
    return { server, record: renderServerAddresses(server), problems: [] }
  }
  if (recorded !== undefined) return { server: recorded, record: text, problems: [] }
  return readUnmarked(facts, release, configured)
}

/** Who must never be banned: by config.env, by what the server is and depends on, and by what an address means. */
export const protect = (settings: Settings, facts: Facts, release: Release): Protection => {
  const isSeen = (network: Network) => sees(release, network)
  const lan = settings.lan === null ? [] : [settings.lan]
  const configured = [...LOOPBACK, ...lan, ...settings.whitelist]
  const always = [...LINK_LOCAL_6, ...LINK_LOCAL_4, ...NO_HOSTS.filter(isSeen)]
  const { server, record, problems } = findKnown(facts, release, [...configured, ...always])
  const hosts = [...server.addresses, ...server.gateways].filter(isSeen)
  const others = [...server.resolvers, ...server.broadcasts].filter(isSeen)
  return {
    networks: withoutContained([...configured, ...hosts, ...others, ...always]),
    admitted: withoutContained([...configured, ...LINK_LOCAL_6.filter(isSeen), ...hosts]),
    record,
    problems,
  }
}

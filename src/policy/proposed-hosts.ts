import type { Socket } from '../facts/procfs.ts'
import {
  contains,
  formatAddress,
  formatCidr,
  isLoopback,
  isWithin,
  type Network,
  networkOf,
  parseNetwork,
  unmappedAddress,
} from '../network.ts'
import { parseFullName } from '../settings/host-name.ts'
import { findDependencies, isRotating } from './dependencies.ts'
import type { Facts, LiveFacts } from './facts.ts'
import type { Choice } from './proposed-networks.ts'

/** Something that answers for config.env should be seen with. */
export interface Remark {
  readonly topic: 'tree' | 'SSH' | 'services' | 'ufw' | 'firewalld' | 'docker' | 'containers'
  readonly text: string
}

/** How packets from a host come in, by the most specific route to it. */
const describeWay = ({ topology }: LiveFacts, host: Network): string => {
  const [route] = (topology?.routes ?? [])
    .filter(({ to }) => contains(to, host))
    .sort((a, b) => b.to.prefix - a.to.prefix)
  if (route === undefined) return ''
  if (route.to.prefix === 0) return `, from outside (${route.device})`
  return route.via === null ? ` (${route.device})` : `, through ${route.via} (${route.device})`
}

const isOpen = ({ sockets }: LiveFacts, address: string): boolean =>
  sockets.some(
    ({ table, state, peer }) =>
      table === 'tcp' && state === 'established' && formatAddress(unmappedAddress(peer)) === address,
  )

const chooseClient = (live: LiveFacts, client: string, network: Network): Choice => {
  const host = { network, device: null }
  if (client !== live.sshSession) {
    const reason = `an SSH connection comes from there${describeWay(live, network)}; not the one that this runs in`
    return { ...host, variable: null, reason }
  }
  // In tmux and screen the environment can be that of an earlier connection.
  if (!isOpen(live, client))
    return { ...host, variable: null, reason: 'an SSH session came from there, but is not open any more' }
  const reason = `your SSH session comes from there${describeWay(live, network)}`
  return { ...host, variable: 'WHITELIST', reason }
}

/** Clients of SSH, and hosts that this server depends on, as far as `safe` and what is always protected do not contain them. */
export const chooseHosts = (facts: Facts, safe: readonly Network[]): Choice[] => {
  const { live } = facts
  const always = [...(live?.addresses ?? []), ...(live?.gateways ?? [])]
  const isSafe = (network: Network) => isWithin([...safe, ...always], networkOf(network))
  const clients = (live?.sshClients ?? []).flatMap((client): Choice[] => {
    const network = parseNetwork(client)
    return live === null || network === null || isSafe(network) ? [] : [chooseClient(live, client, network)]
  })
  const peers = findDependencies(facts).flatMap(({ host, use, path, line }): Choice[] => {
    const network = parseNetwork(host)
    if (network === null || isSafe(network) || isWithin(live?.resolvers ?? [], networkOf(network))) return []
    const reason = `this server depends on it (${use}, ${path}:${line})`
    return [{ network: networkOf(network), device: null, variable: 'WHITELIST', reason }]
  })
  const all = [...clients, ...peers]
  const first = (choice: Choice) =>
    all.find(({ network }) => formatCidr(network) === formatCidr(choice.network)) === choice
  return all.filter(first)
}

/** A name of a host, and whether WHITELIST would have it. */
export interface NameChoice {
  readonly name: string
  readonly isProposed: boolean
  readonly reason: string
}

/**
 * Names in WHITELIST, and those that this server depends on. The latter are not proposed: a name in WHITELIST that does not
 * resolve prevents a plan.
 */
export const chooseNames = (facts: Facts, given: readonly string[], reason: string): NameChoice[] => {
  const peers = findDependencies(facts).flatMap(({ host, use, path, line }): NameChoice[] => {
    const name = parseNetwork(host) === null ? parseFullName(host) : null
    return name === null || isRotating(name)
      ? []
      : [
          {
            name,
            isProposed: false,
            reason: `this server depends on it (${use}, ${path}:${line}); WHITELIST_SERVICES=1 protects it, too`,
          },
        ]
  })
  const all = [...given.map((name) => ({ name, isProposed: true, reason })), ...peers]
  return all.filter(({ name }, index) => all.findIndex((other) => other.name === name) === index)
}

/** What protects the session that this runs in; '' if `choices` say it. */
const describeSession = (live: LiveFacts, lan: readonly Network[], choices: readonly Choice[]): string => {
  const { sshSession, gateways, addresses } = live
  const client = parseNetwork(sshSession ?? '')
  if (sshSession === null || client === null) return 'this command does not run in an SSH session'
  const from = `your session comes from ${sshSession}`
  if (isWithin(lan, client)) return `${from}, in the LAN`
  if (isWithin(gateways, client)) {
    return `your session comes through the gateway ${sshSession}, which is always protected, and so is everybody who comes through it`
  }
  if (isWithin(addresses, client)) return `${from}, this server's own address`
  const choice = choices.find(({ network, variable }) => variable !== null && contains(network, client))
  if (choice?.variable === 'WHITELIST') {
    const isHost = formatAddress(choice.network.bytes) === sshSession
    return isHost ? '' : `${from}, in ${formatCidr(choice.network)}`
  }
  if (!isOpen(live, sshSession)) return ''
  return `${from}, which is not protected: apply stops over that, unless --allow-lockout is given`
}

/** Up to which port portsentry watches all that are free, unless config.env says otherwise. */
const WATCHED_PORTS = 1024

const isService = ({ table, state, number, address }: Socket): boolean =>
  ((table === 'tcp' && state === 'listening') || (table === 'udp' && state === 'unconnected')) &&
  number < WATCHED_PORTS &&
  !isLoopback(unmappedAddress(address))

const describeServices = ({ sockets }: LiveFacts): string => {
  const ports = sockets.filter(isService).sort((a, b) => a.number - b.number || (a.table < b.table ? -1 : 1))
  const names = [...new Set(ports.map(({ table, number }) => `${number}/${table}`))]
  return names.length === 0
    ? ''
    : `${names.join(', ')} in use: portsentry watches free ports only, so a scan of these alone is not noticed`
}

const describeContainers = ({ topology }: LiveFacts): string => {
  const networks = (topology?.interfaces ?? [])
    .filter(({ isVirtual }) => isVirtual)
    .flatMap(({ name, addresses }) => addresses.map((it) => `${formatCidr(networkOf(it))} (${name})`))
  return networks.length === 0
    ? ''
    : `${networks.join(', ')}: not proposed, as these networks change; a container that scans this server is banned like any host`
}

/** `lan`: the network of the LAN, if there is one. */
export const findRemarks = (
  { live }: Facts,
  lan: readonly Network[],
  choices: readonly Choice[],
): Remark[] => {
  if (live === null) {
    const text = "its server's interfaces, SSH sessions, services and firewall cannot be looked at"
    return [{ topic: 'tree', text }]
  }
  const { ufw, firewalld, docker } = live.firewallManagers
  const remarks: Remark[] = [
    { topic: 'SSH', text: describeSession(live, lan, choices) },
    { topic: 'services', text: describeServices(live) },
    {
      topic: 'ufw',
      text: ufw === null ? '' : 'active: bans come before its rules, and ufw can neither list nor lift them',
    },
    {
      topic: 'firewalld',
      text: firewalld ? 'active: its zones stay; bans are in a table of their own, made with nft' : '',
    },
    { topic: 'docker', text: docker ? 'bans also keep hosts from published ports' : '' },
    { topic: 'containers', text: describeContainers(live) },
  ]
  return remarks.filter(({ text }) => text !== '')
}

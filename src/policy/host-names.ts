import { splitLines } from '../documents/lines.ts'
import type { Answer } from '../facts/host-names.ts'
import { contains, formatAddress, formatNetwork, type Network, networkOf, parseNetwork } from '../network.ts'
import { shortList } from '../phrases.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import { parseHostName } from '../settings/host-name.ts'
import type { Settings } from '../settings/settings.ts'
import { findDependencies, isRotating } from './dependencies.ts'
import { type Facts, fileText } from './facts.ts'

/** The last good answers for the names that are protected: an apply and the timer keep them. */
export const NAMES_PATH = '/etc/portward/names'

/** Whether WHITELIST names a host, or a file of a program that this server depends on, with WHITELIST_SERVICES=1. */
export type NameKind = 'whitelist' | 'service'

/** The variable that protects hosts of each kind. */
export const NAME_VARIABLES: Readonly<Record<NameKind, string>> = {
  whitelist: 'WHITELIST',
  service: 'WHITELIST_SERVICES',
}

/** A protected host that is known by name, or, of a service, by its address. */
export interface NamedHost {
  readonly kind: NameKind
  /** A name in lower case, or an address or network as `formatNetwork` writes it. */
  readonly host: string
  /** Those that are protected: today's, or else the last good ones. */
  readonly addresses: readonly Network[]
  /** Whether it is a service with several hosts, of which another one answers if one is banned: it has no protected addresses. */
  readonly isPool: boolean
  /** Why today's answer was refused, as text that follows the name; null: it is good, or nobody was asked. */
  readonly refused: string | null
}

export interface NamedHosts {
  readonly hosts: readonly NamedHost[]
  /** Whether the addresses are today's, and not from the record. */
  readonly isToday: boolean
  /** The desired text of NAMES_PATH; null: the file is not needed. */
  readonly record: string | null
  readonly problems: readonly Problem[]
}

const HEADER = [
  '# Kept by portward: the hosts that config.env protects by name, and the services that it protects, with the addresses that were',
  '# last found. "portward refresh" follows their changes; a plan for a copy of /etc protects them by this list.',
]

const SERVICES = 'services are protected'

type Recorded = Pick<NamedHost, 'kind' | 'host' | 'addresses' | 'isPool'>

/** In the record, instead of addresses. */
const POOL = 'several hosts'

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** `followsServices`: WHITELIST_SERVICES=1, whether or not it finds a host. */
export const renderNames = (hosts: readonly Recorded[], followsServices: boolean): string | null => {
  const lines = hosts.map(({ kind, host, addresses, isPool }) =>
    [kind, host, ...(isPool ? [POOL] : addresses.map(formatNetwork))].join(' '),
  )
  if (followsServices) lines.push(SERVICES)
  return lines.length === 0 ? null : [...HEADER, ...lines.sort(compareTexts), ''].join('\n')
}

/** Reads what `renderNames` wrote; skips other lines. */
export const parseNames = (text: string): Recorded[] =>
  splitLines(text).flatMap((line): Recorded[] => {
    const [kind, host, ...addresses] = line.text.split(' ')
    if ((kind !== 'whitelist' && kind !== 'service') || host === undefined) return []
    const isPool = addresses.join(' ') === POOL
    return [{ kind, host, addresses: addresses.flatMap((address) => parseNetwork(address) ?? []), isPool }]
  })

const networks = (...texts: string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? [])

/** Addresses that no other host can have: this network, loopback, link-local, multicast and reserved ones. */
const BOGONS = networks(
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ...['::/127', 'fe80::/10', 'ff00::/8'],
)

/** A name with more is that of a provider, or of a pool. */
const MAX_ADDRESSES = 16

/** A service with more addresses of a family is that of a provider, whose answers change all the time. */
const MAX_OF_SERVICE = 2

const isPool = (kind: NameKind, answer: readonly Network[]): boolean => {
  const ofIpv4 = answer.filter(({ bytes }) => bytes.length === 4).length
  return kind === 'service' && Math.max(ofIpv4, answer.length - ofIpv4) > MAX_OF_SERVICE
}

/** Why an answer must not be used, as text that follows the name; null: it may be. */
const findFault = (answer: Answer, ofNobody: readonly Network[]): string | null => {
  if (typeof answer === 'string') return answer
  if (answer.length === 0) return 'resolves to no address'
  const is = (network: Network) => `resolves to ${formatAddress(network.bytes)}`
  const bogon = answer.find((address) => BOGONS.some((network) => contains(network, address)))
  if (bogon !== undefined) return `${is(bogon)}, an address that no other host can have`
  const invented = answer.find((address) => ofNobody.some((other) => contains(other, address)))
  if (invented !== undefined)
    return `${is(invented)}, which the name server also gives for names that do not exist`
  return answer.length > MAX_ADDRESSES
    ? `resolves to ${answer.length} addresses, more than the ${MAX_ADDRESSES} of one host`
    : null
}

interface Named {
  readonly kind: NameKind
  readonly host: string
  readonly at: SourceLocation
}

const listServices = (facts: Pick<Facts, 'files'>): Named[] =>
  findDependencies(facts).flatMap(({ host, path, line }): Named[] => {
    const network = parseNetwork(host)
    const name = network === null ? parseHostName(host) : formatNetwork(networkOf(network))
    return name === null || isRotating(name) ? [] : [{ kind: 'service', host: name, at: { path, line } }]
  })

/** `services`: what the files of other programs name. */
const listNamed = (settings: Settings, services: readonly Named[]): Named[] => {
  const at = settings.locations.get('WHITELIST') ?? { path: settings.path }
  const whitelist = settings.whitelistNames.map((host): Named => ({ kind: 'whitelist', host, at }))
  const all = [...whitelist, ...(settings.whitelistServices ? services : [])]
  return all.filter(({ host }, index) => all.findIndex((other) => other.host === host) === index)
}

/** The names to look up on a running server. Pure. */
export const namesToAsk = (settings: Settings, facts: Pick<Facts, 'files'>): string[] =>
  listNamed(settings, listServices(facts)).flatMap(({ host }) => (parseNetwork(host) === null ? [host] : []))

const problemOf = (
  { kind, host, at }: Named,
  fault: string,
  kept: readonly Network[],
  isAsked: boolean,
): Problem => {
  const message = `${host} ${fault}`
  if (kept.length > 0)
    return {
      ...{ severity: 'warning', code: 'stale-name', at },
      message: `${message}; ${kept.map(formatNetwork).join(' ')} ${kept.length === 1 ? 'stays' : 'stay'} protected`,
      hint: 'see what "getent ahosts" says; the next good answer is taken',
    }
  if (kind === 'service')
    return {
      ...{ severity: 'warning', code: 'unresolved-dependency', at },
      message: `${message}, so it is not protected: a forged packet with its source address gets it banned`,
      hint: 'correct the name, or add its address to WHITELIST',
    }
  return {
    ...{ severity: isAsked ? 'error' : 'warning', code: 'unresolved-name', at },
    message: `WHITELIST has "${host}", which ${isAsked ? fault : 'is protected once portward apply has looked it up on the server'}`,
    hint: 'correct the name, or write an address instead',
  }
}

/** The same server, with the names and services as an apply or refresh has recorded them. */
export const asRecorded = (facts: Facts): Facts =>
  facts.live === null ? facts : { ...facts, live: { ...facts.live, names: null } }

/**
 * The protected hosts that are known by name, with their addresses: by today's answers on a running server, by the record in a
 * tree. A refused answer never replaces a good one. Pure.
 */
export const resolveHosts = (settings: Settings, facts: Facts): NamedHosts => {
  const recorded = parseNames(fileText(facts, NAMES_PATH) ?? '')
  const answers = facts.live?.names ?? null
  const problems: Problem[] = []
  const isRecorded = facts.live !== null && answers === null
  const services = isRecorded
    ? recorded.flatMap((one): Named[] =>
        one.kind === 'service' ? [{ ...one, kind: 'service', at: { path: NAMES_PATH } }] : [],
      )
    : listServices(facts)
  const hosts = listNamed(settings, services).map((named): NamedHost => {
    const { kind, host } = named
    const address = parseNetwork(host)
    if (address !== null) return { kind, host, addresses: [address], isPool: false, refused: null }
    const last = recorded.find((one) => one.host === host)
    const kept = last?.addresses ?? []
    const wasPool = last?.isPool === true && kind === 'service'
    const answer = answers?.byName.get(host)
    if (answer === undefined) {
      if (kept.length === 0 && !wasPool) problems.push(problemOf(named, 'has not been looked up', [], false))
      return { kind, host, addresses: kept, isPool: wasPool, refused: null }
    }
    const hasMany = typeof answer === 'object' && isPool(kind, answer)
    const refused = hasMany ? null : findFault(answer, answers?.ofNobody ?? [])
    if (refused === null && typeof answer === 'object')
      return { kind, host, addresses: hasMany ? [] : answer, isPool: hasMany, refused }
    problems.push(problemOf(named, refused ?? '', kept, true))
    return { kind, host, addresses: kept, isPool: wasPool, refused }
  })
  return {
    hosts,
    isToday: answers !== null,
    record: renderNames(hosts, settings.whitelistServices),
    problems,
  }
}

/** `home.example.net (198.51.100.7)` */
export const describeHost = ({ host, addresses, isPool }: Recorded): string =>
  isPool
    ? `${host} (several hosts, not protected)`
    : `${host} (${shortList(addresses.map(formatNetwork)) || 'no address'})`

/** The hosts of a record whose addresses are others than before, each in words. */
export const describeChanges = (before: string | null, after: string | null): string[] => {
  const [old, now] = [before, after].map((text) => parseNames(text ?? ''))
  const changed = (now ?? []).flatMap((recorded) => {
    const earlier = old?.find(({ host }) => host === recorded.host)
    const [was, is] = [earlier, recorded].map((one) => (one?.addresses ?? []).map(formatNetwork).join(' '))
    if (was === is && earlier?.isPool === recorded.isPool) return []
    return [
      earlier === undefined || was === ''
        ? describeHost(recorded)
        : `${describeHost(recorded)}, ${was} before`,
    ]
  })
  const gone = (old ?? []).filter(({ host }) => !now?.some((other) => other.host === host))
  return [...changed, ...gone.map(({ host }) => `${host}: not any more`)]
}

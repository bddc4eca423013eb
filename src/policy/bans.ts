import { formatAddress, isHost, type Network, parseNetwork } from '../network.ts'
import { releaseCommand } from './firewall.ts'
import { readJson } from './read-json.ts'

/** One host that is banned at one place outside of fail2ban. */
export interface Ban {
  readonly address: string
  readonly place: 'iptables' | 'ip6tables' | 'nft' | 'route'
  /** Whether it is in the place that is portward's own, and holds nothing but bans. */
  readonly isOwn: boolean
  /** The command that takes it away, one word an element. */
  readonly undo: readonly string[]
}

const BAN_TARGETS: ReadonlySet<string> = new Set(['DROP', 'REJECT', 'CHAOS', 'TARPIT', 'DELUDE'])

/** How iptables, nft and ip say that there is no such chain, table or set: then it holds nobody. */
const NOT_THERE =
  /No chain\/target\/match by that name|No such file or directory|does not exist|Protocol not supported/

const NOT_INSTALLED = 127

/** Why a program that was asked for bans did not say; null where it did, and where it or what it was asked for is not there. */
export const failureOf = (program: string, exitCode: number, stderr: string): string | null =>
  exitCode === 0 || exitCode === NOT_INSTALLED || NOT_THERE.test(stderr)
    ? null
    : `${program} failed: ${stderr.trim().split('\n')[0] || `exit code ${exitCode}`}`

const hostOf = (text: string): Network | null => {
  const network = parseNetwork(text)
  return network !== null && isHost(network) ? network : null
}

/** The words of a line of `iptables -S`, which puts those with blanks into double quotes. */
export const splitRule = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
    quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'),
  )

/** What a rule may have between source and target and still be nothing but a ban of that host. */
const HARMLESS: readonly (readonly RegExp[])[] = [
  [/^-p$/, /^[a-z0-9]+$/],
  [/^-m$/, /^(?:tcp|udp|comment)$/],
  [/^--comment$/, /^/],
]

const isHarmless = (words: readonly string[]): boolean => {
  if (words.length === 0) return true
  const option = HARMLESS.find((patterns) =>
    patterns.every((pattern, index) => pattern.test(words[index] ?? '')),
  )
  return option !== undefined && words.length >= option.length && isHarmless(words.slice(option.length))
}

/** Chains in which bans are looked for: INPUT is everybody's, the other one portward's own. */
export const BAN_CHAINS = ['INPUT', 'PORTWARD'] as const

/** Rules that ban one host and do nothing else, in what `iptables -S CHAIN` or `ip6tables -S CHAIN` prints. */
export const parseChainBans = (
  program: 'iptables' | 'ip6tables',
  inChain: (typeof BAN_CHAINS)[number],
  text: string,
): Ban[] =>
  text.split('\n').flatMap((line): Ban[] => {
    const [append, chain, source, from = '', ...rest] = splitRule(line)
    const jump = rest.indexOf('-j')
    const host = append === '-A' && chain === inChain && source === '-s' ? hostOf(from) : null
    if (host === null || jump === -1 || !BAN_TARGETS.has(rest[jump + 1] ?? '')) return []
    if (!isHarmless(rest.slice(0, jump))) return []
    const address = formatAddress(host.bytes)
    const isOwn = chain === 'PORTWARD'
    const undo = isOwn ? releaseCommand(address) : [program, '-w', '-D', 'INPUT', '-s', from, ...rest]
    return [{ address, place: program, isOwn, undo }]
  })

type NftElement = string | { readonly elem?: { readonly val?: unknown } }
type NftList = { readonly nftables?: readonly { readonly set?: { readonly elem?: readonly NftElement[] } }[] }

/** Elements of one of portward's own sets, in what `nft -j list set inet portward banned` prints. */
export const parseNftBans = (text: string): Ban[] =>
  (readJson<NftList>(text)?.nftables ?? [])
    .flatMap((object) => object.set?.elem ?? [])
    .flatMap((element): Ban[] => {
      const value = typeof element === 'string' ? element : element.elem?.val
      const host = typeof value === 'string' ? hostOf(value) : null
      if (host === null) return []
      const address = formatAddress(host.bytes)
      return [{ address, place: 'nft', isOwn: true, undo: releaseCommand(address) }]
    })

interface Route {
  readonly dst?: string
  readonly metric?: number
  readonly protocol?: string
}

/** A metric of its own keeps portward's routes apart from others'. */
const OWN_METRIC = 1

/** Types of routes that lead nowhere: Debian's stock portsentry makes unreachable ones, portward blackholes. */
export const ROUTE_TYPES = ['blackhole', 'unreachable', 'prohibit'] as const

/** Hosts that lead nowhere, in what `ip -json -4 route show type blackhole` and the like print. */
export const parseRouteBans = (
  family: '-4' | '-6',
  type: (typeof ROUTE_TYPES)[number],
  text: string,
): Ban[] => {
  const routes = readJson<readonly Route[]>(text)
  return (Array.isArray(routes) ? routes : []).flatMap(({ dst, metric, protocol }: Route): Ban[] => {
    const host = hostOf(dst ?? '')
    if (host === null) return []
    const address = formatAddress(host.bytes)
    const isOwn = type === 'blackhole' && metric === OWN_METRIC
    const which = [
      ...(protocol === undefined ? [] : ['proto', protocol]),
      ...(metric === undefined ? [] : ['metric', String(metric)]),
    ]
    const undo = isOwn ? releaseCommand(address) : ['ip', family, 'route', 'del', type, address, ...which]
    return [{ address, place: 'route', isOwn, undo }]
  })
}

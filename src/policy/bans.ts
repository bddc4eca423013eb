import { contains, formatAddress, isHost, type Network, parseNetwork } from '../network.ts'
import { BACKENDS } from './backends/backends.ts'
import type { Backend } from './backends/definition.ts'
import { membersOf, readRoutes } from './backends/route.ts'

/** One host that the kernel bans. */
export interface Ban {
  readonly address: string
  /** What holds it: a ban set of portward's, a rule of INPUT, or a route that leads nowhere. */
  readonly holder: Backend | 'iptables' | 'ip6tables' | 'unreachable'
  /** Whether it is in a ban set of portward's, which holds nothing but bans. */
  readonly isOwn: boolean
  /** When the kernel ends it, in ms since 1970; null: never. */
  readonly untilMs: number | null
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
const splitRule = (line: string): string[] =>
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

/** Rules that ban one host and do nothing else, in what `iptables -S INPUT` or `ip6tables -S INPUT` prints. */
export const parseInputBans = (program: 'iptables' | 'ip6tables', text: string): Ban[] =>
  text.split('\n').flatMap((line): Ban[] => {
    const [append, chain, source, from = '', ...rest] = splitRule(line)
    const jump = rest.indexOf('-j')
    const host = append === '-A' && chain === 'INPUT' && source === '-s' ? hostOf(from) : null
    if (host === null || jump === -1 || !BAN_TARGETS.has(rest[jump + 1] ?? '')) return []
    if (!isHarmless(rest.slice(0, jump))) return []
    const undo = [program, '-w', '-D', 'INPUT', '-s', from, ...rest]
    return [{ address: formatAddress(host.bytes), holder: program, isOwn: false, untilMs: null, undo }]
  })

/** The members of a backend's sets, in what its own commands print at this time. */
export const parseOwnBans = (backend: Backend, text: string, nowMs: number): Ban[] =>
  BACKENDS[backend].parse(text).map(({ address, secondsLeft, undo }) => ({
    address,
    holder: backend,
    isOwn: true,
    untilMs: secondsLeft === null ? null : nowMs + secondsLeft * 1000,
    undo,
  }))

/** Whether a ban keeps one of these hosts out: by its address, or in a ban set by the network that it is in. */
export const keepsOut = ({ address, isOwn }: Ban, hosts: ReadonlySet<string>): boolean => {
  const network = isOwn && !hosts.has(address) ? parseNetwork(address) : null
  const covers = (host: string) => {
    const inner = parseNetwork(host)
    return network !== null && inner !== null && contains(network, inner)
  }
  return hosts.has(address) || [...hosts].some(covers)
}

/**
 * The command that bans again what this one took away; null for a member of a ban set, whose timeout only fail2ban knows:
 * it bans the host again, if it still holds it. A rule goes to the top of INPUT, where portsentry puts its own.
 */
export const redoOf = (undo: readonly string[]): string[] | null => {
  const [program = ''] = undo
  if (program === 'ipset' || program === 'nft') return null
  // `ip -4 route del …`, and `/bin/sh PROGRAM del …` of the first version.
  const [verb, opposite] = program.endsWith('tables') ? ['-D', '-I'] : ['del', 'add']
  const at = undo.indexOf(verb)
  return [...undo.slice(0, at), opposite, ...undo.slice(at + 1)]
}

const LEADS_NOWHERE: ReadonlySet<string | undefined> = new Set(['blackhole', 'unreachable', 'prohibit'])

/** Routes of others that lead nowhere, such as Debian's stock portsentry makes, in what `ip -json route show` prints. */
export const parseRouteBans = (family: '-4' | '-6', text: string): Ban[] => {
  const routes = readRoutes(text)
  const own = new Set(membersOf(routes).map(({ address }) => address))
  return routes.flatMap(({ type = '', dst, metric, protocol }): Ban[] => {
    const host = LEADS_NOWHERE.has(type) ? hostOf(dst ?? '') : null
    if (host === null) return []
    const address = formatAddress(host.bytes)
    if (own.has(address)) return []
    const which = [
      ...(protocol === undefined ? [] : ['proto', protocol]),
      ...(metric === undefined ? [] : ['metric', String(metric)]),
    ]
    const undo = ['ip', family, 'route', 'del', type, address, ...which]
    return [{ address, holder: 'unreachable', isOwn: false, untilMs: null, undo }]
  })
}

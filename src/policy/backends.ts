import { formatAddress, formatCidr, isHost, isIPv4, type Network, parseNetwork } from '../network.ts'
import type { BanBackend } from '../settings/settings.ts'
import { readJson } from './read-json.ts'

/** What keeps banned hosts out. `BAN_BACKEND=none` leaves the firewall alone. */
export type Backend = Exclude<BanBackend, 'auto' | 'none'>

/** What happens to a banned host's packets. All but DROP need the backend `ipset`, in iptables' filter table. */
export type Target = 'DROP' | 'REJECT' | 'CHAOS' | 'TARPIT' | 'DELUDE'

/** What bans are made with. */
export interface BanSet {
  readonly backend: Backend
  readonly target: Target
}

const DIRECTORY = '/etc/portward'

/** The protected networks by family, in CIDR notation. */
interface Networks {
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
}

/** A host that a ban set holds. */
interface Member {
  readonly address: string
  /** In seconds from now; null: until somebody releases it. */
  readonly secondsLeft: number | null
  /** The command that takes it out, one word an element. */
  readonly undo: readonly string[]
}

/** All that differs between the backends. */
export interface BackendDefinition {
  readonly packages: readonly string[]
  /** Static files in the syntax of the backend's own tools, by path. */
  readonly files: (networks: Networks, target: Target) => ReadonlyMap<string, string>
  /** The file that the loader puts ahead of the bans. */
  readonly rules: string
  /** Reads `rules` and the lines below from standard input, in one transaction where the kernel has those. */
  readonly script: string
  /** A line each, in Python's format: {set} is hosts4, hosts6 or networks6. */
  readonly add: string
  readonly delete: string
  /** What {timeout} stands for in `add`: {} are seconds. */
  readonly timeout: string
  /** The lines that empty all sets. */
  readonly flush: readonly string[]
  /** A shell script that the loader runs after that. */
  readonly hook: (target: Target) => readonly string[]
  /** What portsentry runs to ban $TARGET$ of this family, for so many seconds; -1: permanently. */
  readonly ban: (family: 4 | 6, seconds: number) => string
  /** A cheap shell command that succeeds where the rules are in force. */
  readonly check: (target: Target) => string
  /** A shell script that takes rules and sets away, and succeeds where there are none. */
  readonly remove: (target: Target) => readonly string[]
  /** Commands that print who is banned, one word an element, and how to read what they print. */
  readonly list: readonly (readonly string[])[]
  readonly parse: (text: string) => Member[]
}

const SETS = ['hosts4', 'hosts6', 'networks6'] as const
type SetName = (typeof SETS)[number]

const KEPT = '# Kept by portward from config.env.'

/** The longest timeout of a set's element: 24.8 days. */
const LONGEST_S = 2_147_483

const timeout = (seconds: number, unit = ''): string =>
  seconds > 0 && seconds <= LONGEST_S ? ` timeout ${seconds}${unit}` : ''

/** Networks as they are, hosts without their prefix. */
const nameOf = (text: string): string | null => {
  const network = parseNetwork(text)
  if (network === null) return null
  return isHost(network) ? formatAddress(network.bytes) : formatCidr(network)
}

const nftFile = ({ ipv4, ipv6 }: Networks): string => `${KEPT}
# This chain sees packets before all others. Its accept ends this chain only.
add table inet portward
add chain inet portward decide { type filter hook prerouting priority raw; }
flush chain inet portward decide
table inet portward {
	set hosts4 { type ipv4_addr; flags timeout; }
	set hosts6 { type ipv6_addr; flags timeout; }
	set networks6 { type ipv6_addr; flags interval, timeout; }
	chain decide {
		ip saddr { ${ipv4.join(', ')} } accept
		ip6 saddr { ${ipv6.join(', ')} } accept
		ip saddr @hosts4 drop
		ip6 saddr @hosts6 drop
		ip6 saddr @networks6 drop
	}
}
`

interface NftPrefix {
  readonly prefix: { readonly addr: string; readonly len: number }
}
type NftValue = string | NftPrefix
type NftElement =
  | NftValue
  | { readonly elem: { readonly val: NftValue; readonly timeout?: number; readonly expires?: number } }
interface NftSet {
  readonly name?: string
  readonly elem?: readonly NftElement[]
}

/** Elements of the ban sets in what `nft -j list table inet portward` prints. */
const parseNft = (text: string): Member[] =>
  (readJson<{ readonly nftables?: readonly { readonly set?: NftSet }[] }>(text)?.nftables ?? [])
    .flatMap(({ set }) => (set !== undefined && SETS.includes(set.name as SetName) ? [set] : []))
    .flatMap(({ name = '', elem = [] }) =>
      elem.flatMap((element): Member[] => {
        const { val, expires } =
          typeof element === 'object' && 'elem' in element
            ? element.elem
            : { val: element as NftValue, expires: undefined }
        const address = nameOf(typeof val === 'string' ? val : `${val.prefix.addr}/${val.prefix.len}`)
        if (address === null) return []
        const undo = ['nft', 'delete', 'element', 'inet', 'portward', name, '{', address, '}']
        return [{ address, secondsLeft: expires ?? null, undo }]
      }),
    )

const nft: BackendDefinition = {
  packages: ['nftables'],
  files: (networks) => new Map([[`${DIRECTORY}/rules.nft`, nftFile(networks)]]),
  rules: `${DIRECTORY}/rules.nft`,
  script: 'nft -f -',
  add: 'add element inet portward {set} {{ {element} {timeout} }}',
  delete: 'delete element inet portward {set} {{ {element} }}',
  timeout: 'timeout {}s',
  flush: SETS.map((set) => `flush set inet portward ${set}`),
  hook: () => [],
  // `create` leaves the timeout of a ban that is in force as it is.
  ban: (family, seconds) =>
    `nft create element inet portward hosts${family} { $TARGET$${timeout(seconds, 's')} }`,
  check: () => 'nft list chain inet portward decide | grep -q @networks6',
  remove: () => ['! nft list chain inet portward decide >/dev/null 2>&1 || nft delete table inet portward'],
  list: [['nft', '-j', 'list', 'table', 'inet', 'portward']],
  parse: parseNft,
}

/** Packets are dropped ahead of all other rules. What answers them works in the filter table only. */
const tableOf = (target: Target): 'raw' | 'filter' => (target === 'DROP' ? 'raw' : 'filter')
const hooksOf = (target: Target): readonly string[] =>
  target === 'DROP' ? ['PREROUTING'] : ['INPUT', 'FORWARD']

/** Targets of xtables-addons know IPv4 alone, two of them TCP alone: other packets are dropped. */
const decisions = (set: SetName, target: Target): string[] => {
  const match = `PORTWARD -m set --match-set portward-${set} src`
  if (target === 'DROP' || (set !== 'hosts4' && target !== 'REJECT')) return [`${match} -j DROP`]
  if (target === 'TARPIT' || target === 'DELUDE') return [`${match} -p tcp -j ${target}`, `${match} -j DROP`]
  return [`${match} -j ${target}`]
}

const PROGRAMS = [
  { program: 'iptables', sets: ['hosts4'] },
  { program: 'ip6tables', sets: ['hosts6', 'networks6'] },
] as const

const iptablesFile = (networks: readonly string[], sets: readonly SetName[], target: Target): string =>
  [
    KEPT,
    `*${tableOf(target)}`,
    ':PORTWARD - [0:0]',
    ...networks.map((network) => `-A PORTWARD -s ${network} -j RETURN`),
    ...sets.flatMap((set) => decisions(set, target)).map((rule) => `-A ${rule}`),
    'COMMIT',
    '',
  ].join('\n')

const ipsetFile = `${KEPT}
create portward-hosts4 hash:ip family inet timeout 0 maxelem 1000000
create portward-hosts6 hash:ip family inet6 timeout 0 maxelem 1000000
create portward-networks6 hash:net family inet6 timeout 0 maxelem 1000000
`

/** A shell command for each family; that for IPv6 where the kernel has it. */
const forFamilies = (
  command: (program: string, sets: readonly SetName[]) => readonly string[],
  operator: '; ' | ' && ',
): string[] =>
  PROGRAMS.map(({ program, sets }) => {
    const text = command(program, sets).join(operator)
    return program === 'iptables' ? text : `{ ! test -e /proc/net/if_inet6 || { ${text}; }; }`
  })

/** Commands that succeed where there is nothing to remove. */
const removeRules = (program: string, target: Target): string[] => {
  const table = `${program} -w -t ${tableOf(target)}`
  return [
    ...hooksOf(target).map((hook) => `while ${table} -D ${hook} -j PORTWARD 2>/dev/null; do :; done`),
    `! ${table} -F PORTWARD 2>/dev/null || ${table} -X PORTWARD`,
  ]
}

/** Addresses in what `ipset save` prints of the ban sets. */
const parseIpset = (text: string): Member[] =>
  [...text.matchAll(/^add (portward-(?:hosts4|hosts6|networks6)) (\S+)(?: timeout (\d+))?/gm)].flatMap(
    ([, set = '', element = '', seconds = '0']): Member[] => {
      const address = nameOf(element)
      if (address === null) return []
      return [{ address, secondsLeft: Number(seconds) || null, undo: ['ipset', 'del', set, address] }]
    },
  )

const ipset: BackendDefinition = {
  packages: ['iptables', 'ipset'],
  files: ({ ipv4, ipv6 }, target) =>
    new Map([
      [`${DIRECTORY}/rules.ipset`, ipsetFile],
      [`${DIRECTORY}/rules.iptables`, iptablesFile(ipv4, ['hosts4'], target)],
      [`${DIRECTORY}/rules.ip6tables`, iptablesFile(ipv6, ['hosts6', 'networks6'], target)],
    ]),
  rules: `${DIRECTORY}/rules.ipset`,
  script: 'ipset -exist restore',
  add: 'add portward-{set} {element} {timeout}',
  delete: 'del portward-{set} {element}',
  timeout: 'timeout {}',
  flush: SETS.map((set) => `flush portward-${set}`),
  hook: (target) => {
    const [ipv4 = [], ipv6 = []] = PROGRAMS.map(({ program }) => [
      // Declared again, the chain is filled anew in one transaction.
      `${program}-restore -w --noflush ${DIRECTORY}/rules.${program}`,
      ...hooksOf(target).map((hook) => {
        const rule = `-w -t ${tableOf(target)} -C ${hook} -j PORTWARD`
        return `${program} ${rule} 2>/dev/null || ${program} ${rule.replace(' -C ', ' -I ')}`
      }),
    ])
    return [...ipv4, 'test -e /proc/net/if_inet6 || exit 0', ...ipv6]
  },
  ban: (family, seconds) => `ipset add portward-hosts${family} $TARGET$${timeout(seconds)}`,
  // `ipset add` succeeds although no rule asks the set.
  check: (target) =>
    forFamilies((program, sets) => {
      const rules = [
        ...hooksOf(target).map((hook) => `${hook} -j PORTWARD`),
        ...sets.flatMap((set) => decisions(set, target)),
      ]
      return rules.map((rule) => `${program} -w -t ${tableOf(target)} -C ${rule}`)
    }, ' && ').join(' && '),
  remove: (target) => [
    ...forFamilies((program) => removeRules(program, target), '; '),
    // Rules for another target may still ask them.
    ...SETS.map((set) => `ipset destroy portward-${set} 2>/dev/null || :`),
  ],
  list: [['ipset', 'save']],
  parse: parseIpset,
}

/** Marks portward's routes. Daemons that make routes have numbers of their own, which end at 198 (FRR's). */
const ROUTE_PROTOCOL = '211'

interface Route {
  readonly type?: string
  readonly dst?: string
  readonly metric?: number
  readonly protocol?: string
}

/** What `ip -json route show` prints. */
export const readRoutes = (text: string): readonly Route[] => {
  const routes = readJson<readonly Route[]>(text)
  return Array.isArray(routes) ? routes : []
}

/** Portward's own among these routes. */
export const membersOf = (routes: readonly Route[]): Member[] =>
  routes.flatMap(({ dst = '', protocol }): Member[] => {
    const address = protocol === ROUTE_PROTOCOL ? nameOf(dst) : null
    if (address === null) return []
    const family = address.includes(':') ? '-6' : '-4'
    const undo = ['ip', family, 'route', 'del', 'blackhole', address, 'proto', ROUTE_PROTOCOL]
    return [{ address, secondsLeft: null, undo }]
  })

/** Kernel routes have no timeout: fail2ban ends these bans, and the loader those that ended while it was stopped. */
const FLUSH_ROUTES = `route flush table all proto ${ROUTE_PROTOCOL}`

const route: BackendDefinition = {
  packages: [],
  files: () => new Map([[`${DIRECTORY}/rules.route`, `${KEPT}\n${FLUSH_ROUTES}\n`]]),
  rules: `${DIRECTORY}/rules.route`,
  script: 'ip -force -batch -',
  add: `route replace blackhole {element} proto ${ROUTE_PROTOCOL}`,
  delete: `route del blackhole {element} proto ${ROUTE_PROTOCOL}`,
  timeout: '',
  flush: [FLUSH_ROUTES],
  hook: () => [],
  ban: () => `ip route replace blackhole $TARGET$ proto ${ROUTE_PROTOCOL}`,
  check: () => 'true',
  remove: () => [
    `ip -4 route flush proto ${ROUTE_PROTOCOL}`,
    `! test -e /proc/net/if_inet6 || ip -6 route flush proto ${ROUTE_PROTOCOL}`,
  ],
  // Asked for one protocol, `ip` does not name it.
  list: [
    ['ip', '-json', '-4', 'route', 'show'],
    ['ip', '-json', '-6', 'route', 'show'],
  ],
  parse: (text) => membersOf(readRoutes(text)),
}

export const BACKENDS: Readonly<Record<Backend, BackendDefinition>> = { ipset, nft, route }

/** The shell script that takes a ban set away. Those of two that share rules and sets are the same. */
export const removalOf = ({ backend, target }: BanSet): string => BACKENDS[backend].remove(target).join('\n')

export const networksOf = (networks: readonly Network[]): Networks => ({
  ipv4: networks.filter(isIPv4).map(formatCidr),
  ipv6: networks.filter((network) => !isIPv4(network)).map(formatCidr),
})

/** Every file that some backend has. */
export const BACKEND_FILES: readonly string[] = Object.values(BACKENDS).flatMap(({ files }) => [
  ...files({ ipv4: [], ipv6: [] }, 'DROP').keys(),
])

/** The value of KILL_ROUTE: one command of the backend's own tool. portsentry 1.2 sees IPv4 alone. */
export const banCommand = (backend: Backend, seconds: number, seesIPv6: boolean): string => {
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => BACKENDS[backend].ban(family, seconds))
  if (!seesIPv6 || ipv4 === ipv6) return ipv4 ?? ''
  return `case $TARGET$ in *:*) exec ${ipv6};; *) exec ${ipv4};; esac`
}

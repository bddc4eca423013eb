import { splitLines } from './lines.ts'

/**
 * A host that this server contacts, or that monitors it, according to a configuration file, as written there: an address, a
 * network or a name.
 */
export interface PeerHost {
  readonly host: string
  /** The purpose. */
  readonly use: 'NTP' | 'remote syslog' | 'apt' | 'monitoring'
  readonly line: number
}

/** Finds the hosts in one line of a file. */
type Reader = (line: string) => readonly string[]

/** The host of `http://user:password@HOST:port/…`; none for a scheme without a host (`file:/…`, `cdrom:`). */
const hostOfUrl = (url: string): string[] => {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\s]+)/i.exec(url)?.[1]?.replace(/^.*@/, '')
  const host = authority && (/^\[(.+)\]/.exec(authority)?.[1] ?? authority.replace(/:\d*$/, ''))
  return host ? [host] : []
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/** systemd-timesyncd: `NTP=a b`; FallbackNTP is only used if no other server is known. */
const timesyncd: Reader = (line) => words(/^\s*NTP\s*=(.*)$/.exec(line)?.[1] ?? '')

/** chrony, ntp, ntpsec and OpenNTPD; options before the address (`-4`) are skipped. */
const ntp: Reader = (line) => {
  const found = /^\s*(?:server|servers|pool|peer)\s+(?:-[46]\s+)?(\S+)/.exec(line)?.[1]
  return found === undefined ? [] : [found]
}

/** `*.* @host:514`, `@@(o)[2001:db8::1]:514`, `target="host"` of omfwd and omrelp. */
const rsyslog: Reader = (line) => {
  if (/^\s*#/.test(line)) return []
  const [, bracketed, plain] =
    /(?:^|\s)-?@@?(?:\([^)]*\))?(?:\[([^\]\s]+)\]|([^\s:;@"]+))(?=[\s:;]|$)/.exec(line) ?? []
  const target = /\btarget\s*=\s*"([^"]+)"/i.exec(line)?.[1]
  return [bracketed ?? plain, target].filter((host) => host !== undefined)
}

const uris = (text: string): string[] => words(text).flatMap(hostOfUrl)

/** `deb [arch=amd64] http://host/debian bookworm main` */
const sourcesList: Reader = (line) => uris(/^\s*deb(?:-src)?\s(?:\s*\[[^\]]*\])?(.*)$/.exec(line)?.[1] ?? '')

/** A stanza's `URIs:`; disabled stanzas are read like the others, which at worst leads to a needless WHITELIST entry. */
const deb822: Reader = (line) => (line.startsWith('#') ? [] : uris(line.replace(/^uris:/i, '')))

/** `Acquire::http::Proxy "http://host:3142";`, also inside braces. */
const aptConf: Reader = (line) =>
  /^\s*(?:\/\/|#)/.test(line) ? [] : hostOfUrl(/\bproxy\s+"([^"]*)"/i.exec(line)?.[1] ?? '')

const listOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '')

/** A host without its port: `host:10051`, `[2001:db8::1]:10051`, `192.0.2.0/24`. */
const withoutPort = (word: string): string =>
  /^\[(.+)\]/.exec(word)?.[1] ?? (word.split(':').length === 2 ? word.replace(/:\d*$/, '') : word)

/** Zabbix: the servers that ask its agent, and those that the agent reports to; a semicolon is between nodes of a cluster. */
const zabbix: Reader = (line) =>
  listOf((/^\s*Server(?:Active)?\s*=(.*)$/.exec(line)?.[1] ?? '').replaceAll(';', ',')).map(withoutPort)

/** NRPE: the hosts that may ask it. */
const nrpe: Reader = (line) => listOf(/^\s*allowed_hosts\s*=(.*)$/.exec(line)?.[1] ?? '')

/** munin-node: `allow ^192\.0\.2\.1$` is a regular expression, of which only one address is read; `cidr_allow` is a network. */
const munin: Reader = (line) => {
  const pattern = /^\s*allow\s+\^((?:\d+\\\.){3}\d+|[\da-f:]+)\$\s*$/i.exec(line)?.[1]?.replaceAll('\\', '')
  const network = /^\s*cidr_allow\s+(\S+)/.exec(line)?.[1]
  return [pattern, network].filter((host) => host !== undefined)
}

const FILES: readonly (readonly [pattern: RegExp, use: PeerHost['use'], read: Reader])[] = [
  [/^\/etc\/systemd\/timesyncd\.conf(?:\.d\/[^/]+\.conf)?$/, 'NTP', timesyncd],
  [/^\/etc\/chrony\/(?:chrony\.conf|conf\.d\/[^/]+\.conf|sources\.d\/[^/]+\.sources)$/, 'NTP', ntp],
  [/^\/etc\/(?:ntp\.conf|ntpsec\/ntp\.conf|ntpsec\/ntp\.d\/[^/]+\.conf|openntpd\/ntpd\.conf)$/, 'NTP', ntp],
  [/^\/etc\/rsyslog\.(?:conf|d\/[^/]+\.conf)$/, 'remote syslog', rsyslog],
  [/^\/etc\/apt\/sources\.list(?:\.d\/[^/]+\.list)?$/, 'apt', sourcesList],
  [/^\/etc\/apt\/sources\.list\.d\/[^/]+\.sources$/, 'apt', deb822],
  [
    /^\/etc\/zabbix\/zabbix_agent(?:d|2)\.(?:conf|d\/[^/]+\.conf|conf\.d\/[^/]+\.conf)$/,
    'monitoring',
    zabbix,
  ],
  [/^\/etc\/nagios\/(?:nrpe|nrpe_local|nrpe\.d\/[^/]+)\.cfg$/, 'monitoring', nrpe],
  [/^\/etc\/munin\/munin-node\.conf$/, 'monitoring', munin],
  [/^\/etc\/apt\/apt\.conf(?:\.d\/[^/]+)?$/, 'apt', aptConf],
]

/** Directories of files that name such hosts. */
export const PEER_DIRECTORIES = [
  '/etc/systemd',
  '/etc/systemd/timesyncd.conf.d',
  '/etc/chrony',
  '/etc/chrony/conf.d',
  '/etc/chrony/sources.d',
  '/etc',
  '/etc/ntpsec',
  '/etc/ntpsec/ntp.d',
  '/etc/openntpd',
  '/etc/rsyslog.d',
  '/etc/apt',
  '/etc/apt/sources.list.d',
  '/etc/apt/apt.conf.d',
  '/etc/zabbix',
  '/etc/zabbix/zabbix_agentd.d',
  '/etc/zabbix/zabbix_agentd.conf.d',
  '/etc/zabbix/zabbix_agent2.d',
  '/etc/nagios',
  '/etc/nagios/nrpe.d',
  '/etc/munin',
] as const

/** Whether a file may name hosts that this server depends on. */
export const namesPeers = (path: string): boolean => FILES.some(([pattern]) => pattern.test(path))

/** The hosts that a file of one of these kinds names. */
export const readPeerHosts = (path: string, text: string): PeerHost[] => {
  const [, use, read] = FILES.find(([pattern]) => pattern.test(path)) ?? []
  if (use === undefined || read === undefined) return []
  return splitLines(text).flatMap(({ text: line, number }) =>
    read(line).map((host) => ({ host, use, line: number })),
  )
}

import { isWithin, type Network } from '../network.ts'
import { isError, type Problem, type SourceLocation } from '../problem.ts'
import { checkLines } from './check-lines.ts'
import { type ConfigLines, readConfigLines } from './config-lines.ts'
import { readConfigValue } from './config-value.ts'
import { type Complaint, checkShare, readLan, readUntrusted, readWhitelist } from './lan.ts'
import { findMissingLan } from './missing-lan.ts'
import { unprintable, VARIABLE_NAMES, VARIABLES } from './variables.ts'

export type BanBackend = 'auto' | 'ipset' | 'nft' | 'route' | 'none'
export type BanTarget = 'auto' | 'CHAOS' | 'TARPIT' | 'DELUDE' | 'DROP' | 'REJECT'

/** What config.env asks for, checked. */
export interface Settings {
  /** Null: a server without a LAN; then only WHITELIST and the server's own addresses are protected. */
  readonly lan: Network | null
  readonly whitelist: readonly Network[]
  /** Names in WHITELIST, each once, in lower case. */
  readonly whitelistNames: readonly string[]
  /** Whether the hosts are protected that this server depends on by its configuration. */
  readonly whitelistServices: boolean
  /** Networks of this server whose hosts are banned like any other: no warning that they are not protected. */
  readonly untrusted: readonly Network[]
  readonly tcpMode: '' | 'tcp' | 'stcp' | 'atcp'
  readonly udpMode: '' | 'udp' | 'sudp' | 'audp'
  /** Keys of portsentry.conf to be set verbatim. */
  readonly portsentryKeys: ReadonlyMap<string, string>
  readonly banBackend: BanBackend
  readonly banTarget: BanTarget
  /** What is banned for an IPv6 scanner: the host, or its /64 network. */
  readonly banIPv6Prefix: 64 | 128
  readonly killRoute: string | undefined
  readonly bantime: string
  /** Whether each ban of the same host lasts longer than the one before, up to `bantimeMaxtime`. */
  readonly bantimeIncrement: boolean
  readonly bantimeMaxtime: string
  readonly findtime: string
  readonly maxretry: string
  readonly banaction: string | undefined
  /** Who is told about bans: mail addresses, and absolute paths of apprise's configuration files. */
  readonly notify: readonly string[]
  /** How many messages each of them gets in what time: `10/1h`. */
  readonly notifyLimit: string
  /** Whether they get a summary of each day. */
  readonly notifyDigest: boolean
  /** The file with the key with which bans are reported to AbuseIPDB. */
  readonly abuseipdbKeyFile: string | undefined
  readonly observeOnly: boolean
  /** The file for node_exporter; undefined: none is written. */
  readonly metrics: string | undefined
  /** How many earlier states can be rolled back to. */
  readonly keepGenerations: number
  /** Where each variable was set; for problems that are found only later. */
  readonly locations: ReadonlyMap<string, SourceLocation>
  /** The path of config.env, as the location for variables that are not set. */
  readonly path: string
}

export interface SettingsResult {
  /** Null if a problem is an error. */
  readonly settings: Settings | null
  readonly problems: readonly Problem[]
}

interface Given {
  readonly value: string
  readonly at: SourceLocation
}

const ENVIRONMENT: SourceLocation = { path: 'environment' }

type Environment = Readonly<Record<string, string | undefined>>

interface Collected {
  /** The variables in use that have a readable value. */
  readonly given: ReadonlyMap<string, Given>
  /** The lines of those that the file sets. */
  readonly lines: ReadonlyMap<string, number>
  /** Names whose value in the file is refused: one of the problems says why. */
  readonly refused: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

const defaultOf = (name: string): string | undefined =>
  VARIABLES.find((variable) => variable.name === name)?.default

const clip = (value: string): string => (value.length > 60 ? `${value.slice(0, 60)}…` : value)

/** What a line says. A value that its check refuses is not shown: it may be a secret in the wrong place. */
const describeValue = (name: string, value: string): string => {
  const fault = value === '' ? null : VARIABLES.find((variable) => variable.name === name)?.check(value)
  return typeof fault === 'string' ? 'has a value that is not valid' : `says "${clip(value)}"`
}

/** The variables from the file and, with precedence, from the environment. */
const collect = (file: ConfigLines, environment: Environment, path: string): Collected => {
  const given = new Map<string, Given>()
  const foreign = new Map<string, string | undefined>()
  const lines = new Map<string, number>()
  const problems: Problem[] = []
  const own = (name: string) => (Object.hasOwn(environment, name) ? environment[name] : undefined)
  const lookUp = (name: string) => own(name) ?? given.get(name)?.value ?? foreign.get(name)
  for (const { name, raw, line } of file.assignments) {
    const result = readConfigValue(raw, lookUp)
    if (!VARIABLE_NAMES.has(name)) {
      foreign.set(name, 'value' in result ? result.value : undefined)
      continue
    }
    const at = { path, line }
    const earlier = lines.get(name)
    if (earlier !== undefined) {
      const message = `sets ${name} again, after line ${earlier}`
      problems.push({ severity: 'error', code: 'duplicate', message, hint: 'keep one of the two', at })
    }
    lines.set(name, line)
    if ('value' in result) given.set(name, { value: result.value, at })
    else {
      const { code, message, hint } = result
      problems.push({ severity: 'error', code, message: `${name} ${message}`, hint, at })
      given.delete(name)
    }
  }
  for (const name of VARIABLE_NAMES) {
    const value = own(name)
    if (value !== undefined) given.set(name, { value, at: ENVIRONMENT })
  }
  const refused = new Set([...lines.keys()].filter((name) => !given.has(name)))
  return { given, lines, refused, problems }
}

/** Values that the environment decides, directly or through a reference. A timer or another shell may not have them. */
const findForeignValues = (
  { given, lines }: Collected,
  alone: Collected,
  path: string,
): Map<string, Problem> =>
  new Map(
    [...given].flatMap(([name, { value, at: from }]): [string, Problem][] => {
      const line = lines.get(name)
      const inFile = line === undefined ? defaultOf(name) : alone.given.get(name)?.value
      // Without the environment there would be no value at all: if that is an error, another problem reports it.
      if (inFile === value || (inFile === undefined && line !== undefined)) return []
      const instead =
        line === undefined ? 'this file does not set it' : `this line ${describeValue(name, inFile ?? '')}`
      const [message, hint] =
        from === ENVIRONMENT
          ? [
              `${name} is "${clip(value)}" here, taken from the environment; ${instead}`,
              `unset ${name}, or write that value into the file`,
            ]
          : // The value of a foreign variable is not shown: it may be a secret.
            [
              `${name} refers to a variable that the environment sets differently from this file; the environment takes precedence`,
              'unset it there, or give the two different names',
            ]
      const at = line === undefined ? { path } : { path, line }
      return [[name, { severity: 'warning', code: 'from-environment', message, hint, at }]]
    }),
  )

/** What is wrong with single values. */
const checkValues = (given: ReadonlyMap<string, Given>): Complaint[] =>
  VARIABLES.flatMap(({ name, check, hint, mayBeEmpty }): Complaint[] => {
    const value = given.get(name)?.value
    if (value === undefined || (value === '' && mayBeEmpty)) return []
    if (value === '') return [{ name, code: 'empty', message: 'is empty', hint }]
    const bytes = unprintable(value)
    if (bytes !== null)
      return [{ name, code: 'unprintable', message: bytes, hint: 'use printable ASCII only' }]
    const fault = check(value)
    return fault === null ? [] : [{ name, code: 'bad-value', message: fault, hint }]
  })

/** What is wrong with combinations of values. */
const checkTogether = (value: (name: string) => string, refused: ReadonlySet<string>): Complaint[] => {
  const complaints: Complaint[] = []
  if (value('TCP_MODE') === '' && value('UDP_MODE') === '') {
    complaints.push({
      name: 'TCP_MODE',
      code: 'no-mode',
      message: 'and UDP_MODE are both empty, so nothing would be watched',
      hint: 'set at least one of them',
    })
  }
  for (const name of ['BLOCK_TCP', 'BLOCK_UDP']) {
    if (value(name) === '2' && value('KILL_RUN_CMD') === '' && !refused.has('KILL_RUN_CMD')) {
      complaints.push({
        name,
        code: 'no-command',
        message: 'is 2, but KILL_RUN_CMD is not set',
        hint: 'set KILL_RUN_CMD, or use 1',
      })
    }
  }
  if (value('NOTIFY_DIGEST') !== '' && value('NOTIFY') === '' && !refused.has('NOTIFY')) {
    complaints.push({
      name: 'NOTIFY_DIGEST',
      code: 'no-recipient',
      message: 'is set, but NOTIFY names nobody to send it to',
      hint: 'set NOTIFY, or leave NOTIFY_DIGEST empty',
    })
  }
  return complaints
}

/**
 * Reads config.env. `environment` takes precedence over the file. All problems are collected; there are no settings if one
 * of them is an error. `path` is for the problems' locations.
 */
export const parseSettings = (text: string, environment: Environment, path: string): SettingsResult => {
  const lines = readConfigLines(text)
  const collected = collect(lines, environment, path)
  const { given, problems, refused } = collected
  const foreignValues = findForeignValues(collected, collect(lines, {}, path), path)
  const value = (name: string) => given.get(name)?.value ?? defaultOf(name) ?? ''

  const complaints = checkValues(given)
  /** One complaint about a value is enough. */
  const addNew = (others: readonly Complaint[]) => {
    const known = new Set(complaints.map(({ name }) => name))
    complaints.push(...others.filter(({ name }) => !known.has(name)))
  }
  complaints.push(...findMissingLan(lines, new Set([...given.keys(), ...refused])))
  const lan = readLan(given.get('LAN_IP')?.value, given.get('LAN_NM')?.value)
  if (Array.isArray(lan)) addNew(lan)
  const whitelist = readWhitelist(value('WHITELIST'))
  addNew(whitelist.complaints)
  if (!Array.isArray(lan)) addNew(checkShare(lan, whitelist.networks))
  const isProtected = (network: Network) =>
    isWithin([...(lan === null || Array.isArray(lan) ? [] : [lan]), ...whitelist.networks], network)
  const untrusted = readUntrusted(value('UNTRUSTED'), isProtected)
  addNew(untrusted.complaints)
  addNew(checkTogether(value, refused))

  const all: Problem[] = [
    ...checkLines(text, lines, path),
    ...problems,
    ...complaints.map(
      ({ name, severity, code, message, hint }): Problem => ({
        severity: severity ?? 'error',
        code,
        message: `${name} ${message}`,
        hint,
        at: given.get(name)?.at ?? { path },
      }),
    ),
    ...[...foreignValues]
      .filter(([name]) => !complaints.some((one) => one.name === name))
      .map(([, it]) => it),
  ].sort((a, b) => (a.at.line ?? 0) - (b.at.line ?? 0))
  if (all.some(isError) || Array.isArray(lan)) return { settings: null, problems: all }

  const optional = (name: string) => given.get(name)?.value
  const portsentryKeys = VARIABLES.filter(({ portsentryKey }) => portsentryKey)
    .map(({ name, default: stock }) => [name, optional(name) ?? stock] as const)
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
  const observeOnly = value('OBSERVE_ONLY') === '1'
  const settings: Settings = {
    lan,
    whitelist: whitelist.networks,
    whitelistNames: whitelist.names,
    whitelistServices: value('WHITELIST_SERVICES') === '1',
    untrusted: untrusted.networks,
    tcpMode: value('TCP_MODE') as Settings['tcpMode'],
    udpMode: value('UDP_MODE') as Settings['udpMode'],
    portsentryKeys: new Map(portsentryKeys),
    // The name in the first version.
    banBackend: (value('BAN_BACKEND') === 'iptables' ? 'ipset' : value('BAN_BACKEND')) as BanBackend,
    banTarget: value('BAN_TARGET') as BanTarget,
    banIPv6Prefix: value('BAN_IPV6_PREFIX') === '64' ? 64 : 128,
    killRoute: optional('KILL_ROUTE'),
    bantime: value('BANTIME'),
    bantimeIncrement: value('BANTIME_INCREMENT') === '1',
    bantimeMaxtime: value('BANTIME_MAXTIME'),
    findtime: value('FINDTIME'),
    maxretry: value('MAXRETRY'),
    banaction: optional('BANACTION'),
    notify: value('NOTIFY').split(/\s+/).filter(Boolean),
    notifyLimit: value('NOTIFY_LIMIT'),
    notifyDigest: value('NOTIFY_DIGEST') === 'daily',
    abuseipdbKeyFile: optional('ABUSEIPDB_KEY_FILE'),
    observeOnly,
    metrics: optional('METRICS'),
    keepGenerations: Number(value('KEEP_GENERATIONS')),
    locations: new Map([...given].map(([name, { at }]) => [name, at])),
    path,
  }
  return { settings, problems: all }
}

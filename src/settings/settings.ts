import type { Network } from '../network.ts'
import { isError, type Place, type Problem } from '../problem.ts'
import { checkLines } from './check-lines.ts'
import { checkShell, type Written } from './check-shell.ts'
import { type ConfigLines, readConfigLines } from './config-lines.ts'
import { readConfigValue } from './config-value.ts'
import { type Complaint, checkShare, readLan, readWhitelist } from './lan.ts'
import { unprintable, VARIABLE_NAMES, VARIABLES } from './variables.ts'

type BanBackend = 'iptables' | 'nft' | 'route' | 'none'
export type BanTarget = 'auto' | 'CHAOS' | 'TARPIT' | 'DELUDE' | 'DROP' | 'REJECT'

/** What config.env asks for, checked. */
export interface Settings {
  readonly lan: Network
  readonly whitelist: readonly Network[]
  readonly tcpMode: '' | 'tcp' | 'stcp' | 'atcp'
  readonly udpMode: '' | 'udp' | 'sudp' | 'audp'
  /** Keys of portsentry.conf to be set verbatim. */
  readonly portsentryKeys: ReadonlyMap<string, string>
  readonly banBackend: BanBackend
  readonly banTarget: BanTarget
  readonly killRoute: string | undefined
  readonly bantime: string
  /** Whether each ban of the same host lasts longer than the one before, up to `bantimeMaxtime`. */
  readonly bantimeIncrement: boolean
  readonly bantimeMaxtime: string
  readonly findtime: string
  readonly maxretry: string
  readonly banaction: string | undefined
  readonly observeOnly: boolean
  /** How many earlier states can be rolled back to. */
  readonly keepGenerations: number
  /** Where each variable was given; for problems that show only later. */
  readonly places: ReadonlyMap<string, Place>
  /** The file itself, as the place of what is not given anywhere. */
  readonly path: string
}

export interface SettingsResult {
  /** Null where a problem is an error. */
  readonly settings: Settings | null
  readonly problems: readonly Problem[]
}

interface Given {
  readonly value: string
  readonly at: Place
}

const ENVIRONMENT: Place = { path: 'environment' }

type Environment = Readonly<Record<string, string | undefined>>

interface Collected {
  /** The variables in use that have a readable value. */
  readonly given: ReadonlyMap<string, Given>
  /** Values as the file alone has them. */
  readonly written: ReadonlyMap<string, Written>
  /** Those of the file whose value is refused: one of the problems says why. */
  readonly refused: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

/** The variables in use, from the file and, with precedence, from the environment. */
const collect = (lines: ConfigLines, environment: Environment, path: string): Collected => {
  const given = new Map<string, Given>()
  const foreign = new Map<string, string | undefined>()
  const seen = new Map<string, number>()
  const problems: Problem[] = []
  const own = (name: string) => (Object.hasOwn(environment, name) ? environment[name] : undefined)
  const lookUp = (name: string) => own(name) ?? given.get(name)?.value ?? foreign.get(name)
  for (const { name, raw, line } of lines.assignments) {
    const result = readConfigValue(raw, lookUp)
    if (!VARIABLE_NAMES.has(name)) {
      foreign.set(name, 'value' in result ? result.value : undefined)
      continue
    }
    const at = { path, line }
    const earlier = seen.get(name)
    if (earlier !== undefined) {
      const message = `sets ${name} again, after line ${earlier}`
      problems.push({ severity: 'error', code: 'duplicate', message, hint: 'keep one of the two', at })
    }
    seen.set(name, line)
    if ('value' in result) given.set(name, { value: result.value, at })
    else {
      const { code, message, hint } = result
      problems.push({ severity: 'error', code, message: `${name} ${message}`, hint, at })
      given.delete(name)
    }
  }
  const written = new Map([...given].map(([name, { value, at }]) => [name, { value, line: at.line }]))
  for (const name of VARIABLE_NAMES) {
    const value = own(name)
    if (value !== undefined) given.set(name, { value, at: ENVIRONMENT })
  }
  const refused = new Set([...seen.keys()].filter((name) => !given.has(name)))
  return { given, written, problems, refused }
}

/** What is wrong with each given value by itself. */
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

/** What only shows in several values together. */
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
  return complaints
}

/**
 * Reads config.env. `environment` wins over the file. All problems are collected; settings come only without
 * errors. `path` is for the problems' places.
 */
export const parseSettings = (text: string, environment: Environment, path: string): SettingsResult => {
  const lines = readConfigLines(text)
  const { given, written, problems, refused } = collect(lines, environment, path)
  const value = (name: string) =>
    given.get(name)?.value ?? VARIABLES.find((variable) => variable.name === name)?.default ?? ''

  const complaints = checkValues(given)
  /** One complaint about a value is enough. */
  const addNew = (others: readonly Complaint[]) => {
    const known = new Set(complaints.map(({ name }) => name))
    complaints.push(...others.filter(({ name }) => !known.has(name)))
  }
  for (const name of ['LAN_IP', 'LAN_NM']) {
    if (given.has(name) || refused.has(name)) continue
    const hidden = lines.swallowed.get(name)
    const hint =
      hidden === undefined ? `add ${name}=… to the file` : `close the quote that opens on line ${hidden}`
    complaints.push({ name, code: 'missing', message: 'is not set', hint })
  }
  const lan = readLan(given.get('LAN_IP')?.value, given.get('LAN_NM')?.value)
  if (Array.isArray(lan)) addNew(lan)
  const whitelist = readWhitelist(value('WHITELIST'))
  addNew(whitelist.complaints)
  if (!Array.isArray(lan)) addNew(checkShare(lan, whitelist.networks))
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
  ].sort((a, b) => (a.at.line ?? 0) - (b.at.line ?? 0))
  // Only where all seems well: what is wrong by itself is told by its own name.
  if (!all.some(isError)) all.push(...checkShell(text, written, path))
  if (all.some(isError) || Array.isArray(lan)) return { settings: null, problems: all }

  const optional = (name: string) => given.get(name)?.value
  const portsentryKeys = VARIABLES.filter(({ portsentryKey }) => portsentryKey)
    .map(({ name, default: stock }) => [name, optional(name) ?? stock] as const)
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
  const observeOnly = value('OBSERVE_ONLY') === '1'
  const settings: Settings = {
    lan,
    whitelist: whitelist.networks,
    tcpMode: value('TCP_MODE') as Settings['tcpMode'],
    udpMode: value('UDP_MODE') as Settings['udpMode'],
    portsentryKeys: new Map(portsentryKeys),
    banBackend: value('BAN_BACKEND') as BanBackend,
    banTarget: value('BAN_TARGET') as BanTarget,
    killRoute: optional('KILL_ROUTE'),
    bantime: value('BANTIME'),
    bantimeIncrement: value('BANTIME_INCREMENT') === '1',
    bantimeMaxtime: value('BANTIME_MAXTIME'),
    findtime: value('FINDTIME'),
    maxretry: value('MAXRETRY'),
    banaction: optional('BANACTION'),
    observeOnly,
    keepGenerations: Number(value('KEEP_GENERATIONS')),
    places: new Map([...given].map(([name, { at }]) => [name, at])),
    path,
  }
  return { settings, problems: all }
}

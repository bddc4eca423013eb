import type { Network } from '../network.ts'
import { isError, type Place, type Problem } from '../problem.ts'
import { type ConfigLines, readConfigLines } from './config-lines.ts'
import { readConfigValue, readForeignValue } from './config-value.ts'
import { type Complaint, readLan, readWhitelist } from './lan.ts'
import { nearMiss } from './near-miss.ts'
import { unprintable, VARIABLE_NAMES, VARIABLES } from './variables.ts'

export type BanBackend = 'iptables' | 'nft' | 'route' | 'none'
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
  readonly findtime: string
  readonly maxretry: string
  readonly banaction: string | undefined
  readonly observeOnly: boolean
  /** Where each variable was given; for problems that show only later. */
  readonly places: ReadonlyMap<string, Place>
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

/** Complaints about the text as a whole, apart from any variable. */
const checkLines = (text: string, lines: ConfigLines, path: string): Problem[] => {
  const problems: Problem[] = []
  const present = new Set(lines.assignments.map(({ name }) => name))
  const add = (severity: Problem['severity'], line: number, code: string, message: string, hint: string) =>
    problems.push({ severity, code, message, hint, at: { path, line } })

  const carriageReturn = text.indexOf('\r\n')
  if (carriageReturn !== -1) {
    const line = text.slice(0, carriageReturn).split('\n').length
    add(
      'error',
      line,
      'crlf',
      'ends with CRLF, which scripts that source the file take as part of the value',
      'convert the file to LF line ends',
    )
  }
  for (const other of lines.others) {
    const named = [...VARIABLE_NAMES].find((name) =>
      new RegExp(`(?<![A-Za-z0-9_])${name}(?![A-Za-z0-9_])`).test(other.text),
    )
    if (named === undefined)
      add('warning', other.line, 'not-an-assignment', 'is not NAME=value', 'portward does not read this line')
    else
      add(
        'error',
        other.line,
        'malformed-line',
        `names ${named} but is not ${named}=value`,
        'write the name, "=" and the value without blanks, at the start of the line',
      )
  }
  for (const { name, line } of lines.assignments) {
    const meant = VARIABLE_NAMES.has(name) ? undefined : nearMiss(name, present)
    if (meant !== undefined)
      add(
        'warning',
        line,
        'near-miss',
        `sets ${name}, which portward does not know`,
        `did you mean ${meant}?`,
      )
  }
  return problems
}

/** The variables in use, from the file and, with precedence, from the environment. */
const collect = (
  lines: ConfigLines,
  environment: Readonly<Record<string, string | undefined>>,
  path: string,
): { given: Map<string, Given>; problems: Problem[] } => {
  const given = new Map<string, Given>()
  const foreign = new Map<string, string | undefined>()
  const problems: Problem[] = []
  const lookUp = (name: string) => environment[name] ?? given.get(name)?.value ?? foreign.get(name)
  for (const { name, raw, line } of lines.assignments) {
    if (!VARIABLE_NAMES.has(name)) {
      foreign.set(name, readForeignValue(raw))
      continue
    }
    const at = { path, line }
    const earlier = given.get(name)?.at.line
    if (earlier !== undefined) {
      problems.push({
        severity: 'error',
        code: 'duplicate',
        message: `sets ${name} again, after line ${earlier}`,
        hint: 'keep one of the two',
        at,
      })
    }
    const result = readConfigValue(raw, lookUp)
    if ('value' in result) given.set(name, { value: result.value, at })
    else {
      problems.push({
        severity: 'error',
        code: result.code,
        message: `${name} ${result.message}`,
        hint: result.hint,
        at,
      })
      given.set(name, { value: '', at })
    }
  }
  const refused = new Set(problems.filter(({ code }) => code !== 'duplicate').map(({ at }) => at.line))
  for (const name of VARIABLE_NAMES) {
    const value = environment[name]
    if (value !== undefined) given.set(name, { value, at: ENVIRONMENT })
    // A refused value is not checked any further.
    else if (refused.has(given.get(name)?.at.line)) given.delete(name)
  }
  return { given, problems }
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
const checkTogether = (value: (name: string) => string): Complaint[] => {
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
    if (value(name) === '2' && value('KILL_RUN_CMD') === '') {
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
export const parseSettings = (
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  path: string,
): SettingsResult => {
  const lines = readConfigLines(text)
  const { given, problems } = collect(lines, environment, path)
  const value = (name: string) =>
    given.get(name)?.value ?? VARIABLES.find((variable) => variable.name === name)?.default ?? ''
  const refused = new Set(problems.map(({ at }) => at.line))

  const complaints = checkValues(given)
  const missing = ['LAN_IP', 'LAN_NM'].filter(
    (name) =>
      !given.has(name) && !lines.assignments.some((entry) => entry.name === name && refused.has(entry.line)),
  )
  for (const name of missing) {
    const hidden = lines.swallowed.get(name)
    const hint =
      hidden === undefined ? `add ${name}=… to the file` : `close the quote that opens on line ${hidden}`
    complaints.push({ name, code: 'missing', message: 'is not set', hint })
  }
  const readable = ['LAN_IP', 'LAN_NM'].every((name) => value(name) !== '')
  const lan = readable ? readLan(value('LAN_IP'), value('LAN_NM')) : []
  if (Array.isArray(lan))
    complaints.push(...lan.filter(({ name }) => !complaints.some((other) => other.name === name)))
  const whitelist = readWhitelist(value('WHITELIST'))
  complaints.push(...whitelist.complaints, ...checkTogether(value))

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
    findtime: value('FINDTIME'),
    maxretry: value('MAXRETRY'),
    banaction: optional('BANACTION'),
    observeOnly,
    places: new Map([...given].map(([name, { at }]) => [name, at])),
  }
  return { settings, problems: all }
}

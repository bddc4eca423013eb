import {
  cutValues,
  findEntry,
  getKey,
  overlongLines,
  type PortsentryConf,
  readLine2,
  refusedLines,
} from '../documents/portsentry-conf.ts'
import { unreadLines } from '../documents/portsentry-conf-unread.ts'
import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { atoi, wholeLong } from './c-numbers.ts'
import { readConfiguration } from './configuration.ts'
import type { Mode } from './decision.ts'
import { protocolsOf } from './modes.ts'
import { misreadPorts12, parseRanges2 } from './ports.ts'

type Finding = Omit<Problem, 'at'> & { readonly line?: number }

const error = (code: ProblemCode, message: string, hint: string, line?: number): Finding => ({
  severity: 'error',
  code,
  message,
  hint,
  ...(line !== undefined && { line }),
})

const quoted = (text: string): string => JSON.stringify(text.length > 70 ? `${text.slice(0, 70)}…` : text)

/** What is odd about a key's value, as text to follow the key's name, and what to do. */
type Oddity = { readonly what: string; readonly hint: string } | null
type JudgeValue = (value: string) => Oddity

const takenFor = (value: string, effect: string, hint: string): Oddity => ({
  what: `is ${quoted(value)}, which portsentry reads as ${effect}`,
  hint,
})

/** 1.2 reads every number with atoi(), and treats what is not one of the choices as 0. */
const choice12 =
  (...choices: readonly number[]): JudgeValue =>
  (value) => {
    if (choices.some((choice) => value === String(choice))) return null
    const read = atoi(value)
    const acts = choices.length === 2 ? Number(read !== 0) : choices.includes(read) ? read : 0
    return takenFor(value, String(acts), `give ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`)
  }

const MOST_PACKETS_12 = 50

const trigger12: JudgeValue = (value) => {
  const hint = `give a number of packets from 0 to ${MOST_PACKETS_12}`
  if (!/^\d+$/.test(value)) return takenFor(value, String(Math.max(0, atoi(value))), hint)
  return Number(value) > MOST_PACKETS_12
    ? takenFor(value, 'too many: it acts on the first packet', hint)
    : null
}

const limit12: JudgeValue = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535
    ? null
    : takenFor(value, String(atoi(value)), 'give a number from 1 to 65535')

/** Stored in a uint16_t: 65536 is 0. */
const trigger2: JudgeValue = (value) => {
  const read = wholeLong(value)
  return read === null || read < 65_536n
    ? null
    : takenFor(value, String(BigInt.asUintN(16, read)), 'give a number from 0 to 65535')
}

const ports2: JudgeValue = (value) => {
  const odd = value.split(',').find((item) => {
    const rule = parseRanges2(item)
    return item !== '' && rule.kind === 'ranges' && rule.ranges.length === 0
  })
  return odd === undefined
    ? null
    : {
        what: `has ${quoted(odd)}, which portsentry ignores`,
        hint: 'list ports and ranges without blanks',
      }
}

/** Values that the daemon reads as something else, and the modes that read them. */
const ODDITIES: Record<PortsentryConf['dialect'], readonly [key: string, modes: RegExp, JudgeValue][]> = {
  '1.2': [
    ['BLOCK_TCP', /tcp$/, choice12(0, 1, 2)],
    ['BLOCK_UDP', /udp$/, choice12(0, 1, 2)],
    ['RESOLVE_HOST', /./, choice12(0, 1)],
    ['KILL_RUN_CMD_FIRST', /./, choice12(0, 1)],
    ['SCAN_TRIGGER', /./, trigger12],
    ['TCP_PORTS', /^s?tcp$/, misreadPorts12],
    ['UDP_PORTS', /^s?udp$/, misreadPorts12],
    ['ADVANCED_PORTS_TCP', /^atcp$/, limit12],
    ['ADVANCED_PORTS_UDP', /^audp$/, limit12],
    ['ADVANCED_EXCLUDE_TCP', /^atcp$/, misreadPorts12],
    ['ADVANCED_EXCLUDE_UDP', /^audp$/, misreadPorts12],
  ],
  '2.x': [
    ['SCAN_TRIGGER', /./, trigger2],
    ['TCP_PORTS', /./, ports2],
    ['UDP_PORTS', /./, ports2],
  ],
}

const findOdd = (conf: PortsentryConf, modes: readonly Mode[]): Finding[] =>
  ODDITIES[conf.dialect].flatMap(([key, reading, judge]): Finding[] => {
    const entry = modes.some((mode) => reading.test(mode)) ? findEntry(conf, key) : undefined
    const oddity = entry?.value ? judge(entry.value) : null
    if (entry === undefined || oddity === null) return []
    const { what, hint } = oddity
    const { number: line } = entry.line
    return [{ severity: 'warning', code: 'odd-value', message: `${key} ${what}`, hint, line }]
  })

const findUnread = (conf: PortsentryConf): Finding[] =>
  unreadLines(conf).map(({ line, text, reason, form }) => ({
    severity: 'warning',
    code: 'unread-line',
    message: `portsentry ignores ${quoted(text)}: ${reason}`,
    hint: form === null ? 'remove the line' : `write it as ${quoted(form)}, or remove it`,
    line,
  }))

const findCut = (conf: PortsentryConf): Finding[] =>
  cutValues(conf).map(({ line, key, read, written }) => ({
    severity: 'warning',
    code: 'cut-value',
    message: `of ${key} portsentry reads only ${quoted(read)}, not ${quoted(written)}`,
    hint: 'a quote, tab or non-ASCII byte ends the value there: say it without',
    line,
  }))

const FILE_KEYS = ['IGNORE_FILE', 'HISTORY_FILE', 'BLOCKED_FILE'] as const

const findErrors12 = (conf: PortsentryConf, modes: readonly Mode[]): Finding[] => {
  const missing = FILE_KEYS.filter((key) => !getKey(conf, key))
  const portless = modes.filter((mode) => {
    const [rule] = readConfiguration(conf, mode).ports.values()
    return rule?.kind === 'listed' && rule.ports.length === 0
  })
  return [
    ...missing.map((key) =>
      error('missing-key', `no ${key}`, `portsentry 1.2 does not start without: set ${key}`),
    ),
    ...portless.map((mode) => {
      const key = `${protocolsOf(mode)[0]?.toUpperCase()}_PORTS`
      return error('no-ports', `no ports in ${key}`, `portsentry -${mode} does not start without: set ${key}`)
    }),
  ]
}

/** What 2.x requires of every value that it reads, although only the last one is used (SetConfiguration in configfile.c). */
const VALUES_2 = new Map<string, [isRight: (value: string) => boolean, hint: string]>([
  ['BLOCK_TCP', [(value) => /^[012]$/.test(value), 'give 0, 1 or 2']],
  ['BLOCK_UDP', [(value) => /^[012]$/.test(value), 'give 0, 1 or 2']],
  ['RESOLVE_HOST', [(value) => /^[01]$/.test(value), 'give 0 or 1']],
  ['KILL_RUN_CMD_FIRST', [(value) => /^[01]$/.test(value), 'give 0 or 1']],
  ['SCAN_TRIGGER', [(value) => (wholeLong(value) ?? -1n) >= 0n, 'give a number from 0 to 65535']],
  ['TCP_PORTS', [(value) => /[^,]/.test(value), 'list ports']],
  ['UDP_PORTS', [(value) => /[^,]/.test(value), 'list ports']],
])

const findBadLines2 = (conf: PortsentryConf): Finding[] => {
  const long = overlongLines(conf)
  const refused = refusedLines(conf).filter(({ number }) => !long.includes(number))
  const bad = conf.lines.flatMap(({ text, number }): Finding[] => {
    const { key = '', value = '' } = readLine2(text, conf.keys) ?? {}
    const [isRight, hint] = VALUES_2.get(key) ?? []
    if (isRight === undefined || hint === undefined || isRight(value)) return []
    return [error('bad-value', `portsentry does not start with "${value}" for ${key}`, hint, number)]
  })
  return [
    ...long.map((line) => {
      const hint = 'portsentry reads the rest as a separate line: shorten it'
      return error('line-overlong', 'longer than 1023 characters', hint, line)
    }),
    ...refused.map(({ number }) =>
      error('line-refused', 'portsentry does not start over this line', 'comment it out', number),
    ),
    ...bad,
  ]
}

/** ValidateConfig in configfile.c. */
const findMissing2 = (conf: PortsentryConf, mode: Mode): Finding[] => {
  const { ports, block, killRoute, killHostsDeny, killRunCmd } = readConfiguration(conf, mode)
  const blocks = [block.tcp, block.udp]
  const findings: Finding[] = []
  const missing = (code: ProblemCode, message: string, keys: string) =>
    findings.push(error(code, message, `portsentry does not start without: set ${keys}`))
  if ([...ports.values()].every((rule) => rule.kind === 'ranges' && rule.entries === 0))
    missing('no-ports', 'neither TCP_PORTS nor UDP_PORTS', 'one of them')
  if (blocks.includes(2) && killRunCmd === '')
    missing('no-command', 'BLOCK_TCP or BLOCK_UDP is 2, but there is no KILL_RUN_CMD', 'KILL_RUN_CMD')
  if (blocks.includes(1) && killRoute === '' && killHostsDeny === '') {
    const message = 'BLOCK_TCP or BLOCK_UDP is 1, but there is neither KILL_ROUTE nor KILL_HOSTS_DENY'
    missing('no-command', message, 'one of them')
  }
  return findings
}

const findErrors = (conf: PortsentryConf, modes: readonly Mode[]): Finding[] => {
  const [mode] = modes
  if (mode === undefined) return []
  return conf.dialect === '1.2'
    ? findErrors12(conf, modes)
    : [...findBadLines2(conf), ...findMissing2(conf, mode)]
}

/**
 * Everything that is wrong with a portsentry.conf, by the rules of the daemons that read it in these modes. Errors: they
 * would not start with it. Warnings: they read a value as something else. Pure; `path` is the file that the problems name.
 */
export const judgeConf = (conf: PortsentryConf, modes: readonly Mode[], path: string): Problem[] =>
  [...findErrors(conf, modes), ...findCut(conf), ...findOdd(conf, modes), ...findUnread(conf)].map(
    ({ line, ...finding }) => ({ ...finding, at: line === undefined ? { path } : { path, line } }),
  )

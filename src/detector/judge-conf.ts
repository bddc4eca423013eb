import { cutValues, findEntry, type PortsentryConf } from '../documents/portsentry-conf.ts'
import { unreadLines } from '../documents/portsentry-conf-unread.ts'
import type { Problem } from '../problem.ts'
import { atoi, wholeLong } from './c-numbers.ts'
import { readConfiguration } from './configuration.ts'
import type { Mode } from './decision.ts'
import { misreadPorts12, parseRanges2 } from './ports.ts'

const quoted = (text: string): string => JSON.stringify(text.length > 70 ? `${text.slice(0, 70)}…` : text)

/** What is odd about a key's value, to stand behind the key's name, and what to do. */
type Oddity = { readonly what: string; readonly hint: string } | null

const actsAs = (value: string, effect: string, hint: string): Oddity => ({
  what: `is ${quoted(value)}, which portsentry takes for ${effect}`,
  hint,
})

/** 1.2 reads every number with atoi(), and takes what is no choice of its own for 0. */
const choice12 = (value: string, choices: readonly number[]): Oddity => {
  if (choices.some((choice) => value === String(choice))) return null
  const read = atoi(value)
  const acts = choices.length === 2 ? Number(read !== 0) : choices.includes(read) ? read : 0
  return actsAs(value, String(acts), `give ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`)
}

const MOST_PACKETS_12 = 50

const trigger12 = (value: string): Oddity => {
  const hint = `give a number of packets from 0 to ${MOST_PACKETS_12}`
  if (!/^\d+$/.test(value)) return actsAs(value, String(Math.max(0, atoi(value))), hint)
  return Number(value) > MOST_PACKETS_12 ? actsAs(value, 'too many: it acts on the first packet', hint) : null
}

const limit12 = (value: string): Oddity =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535
    ? null
    : actsAs(value, String(atoi(value)), 'give a number from 1 to 65535')

/** Keys of 1.2 that every mode reads, and those that only some modes do. */
const ODDITIES_12: readonly [key: string, modes: RegExp, (value: string) => Oddity][] = [
  ['BLOCK_TCP', /tcp$/, (value) => choice12(value, [0, 1, 2])],
  ['BLOCK_UDP', /udp$/, (value) => choice12(value, [0, 1, 2])],
  ['RESOLVE_HOST', /./, (value) => choice12(value, [0, 1])],
  ['KILL_RUN_CMD_FIRST', /./, (value) => choice12(value, [0, 1])],
  ['SCAN_TRIGGER', /./, trigger12],
  ['TCP_PORTS', /^s?tcp$/, misreadPorts12],
  ['UDP_PORTS', /^s?udp$/, misreadPorts12],
  ['ADVANCED_PORTS_TCP', /^atcp$/, limit12],
  ['ADVANCED_PORTS_UDP', /^audp$/, limit12],
  ['ADVANCED_EXCLUDE_TCP', /^atcp$/, misreadPorts12],
  ['ADVANCED_EXCLUDE_UDP', /^audp$/, misreadPorts12],
]

const oddPorts2 = (value: string): Oddity => {
  const odd = value
    .split(',')
    .filter((item) => item !== '')
    .find((item) => {
      const rule = parseRanges2(item)
      return rule.kind === 'ranges' && rule.ranges.length === 0
    })
  return odd === undefined
    ? null
    : {
        what: `has ${quoted(odd)}, which portsentry passes over`,
        hint: 'list ports and ranges without blanks',
      }
}

/** A uint16_t takes it: 65536 is 0. What is no number keeps 2.x from starting. */
const trigger2 = (value: string): Oddity => {
  const read = wholeLong(value)
  return read === null || read < 65_536n
    ? null
    : actsAs(value, String(BigInt.asUintN(16, read)), 'give a number from 0 to 65535')
}

const ODDITIES_2: typeof ODDITIES_12 = [
  ['SCAN_TRIGGER', /./, trigger2],
  ['TCP_PORTS', /./, oddPorts2],
  ['UDP_PORTS', /./, oddPorts2],
]

type Finding = Omit<Problem, 'severity' | 'at'> & { readonly line?: number }

const findOdd = (conf: PortsentryConf, modes: readonly Mode[]): Finding[] =>
  (conf.dialect === '1.2' ? ODDITIES_12 : ODDITIES_2).flatMap(([key, reading, judge]): Finding[] => {
    const entry = modes.some((mode) => reading.test(mode)) ? findEntry(conf, key) : undefined
    const oddity = entry?.value ? judge(entry.value) : null
    if (entry === undefined || oddity === null) return []
    return [
      { code: 'odd-value', message: `${key} ${oddity.what}`, hint: oddity.hint, line: entry.line.number },
    ]
  })

const findUnread = (conf: PortsentryConf): Finding[] =>
  unreadLines(conf).map(({ line, text, reason, form }) => ({
    code: 'unread-line',
    message: `portsentry reads nothing of ${quoted(text)}: ${reason}`,
    hint: form === null ? 'take the line out' : `write it as ${quoted(form)}, or take it out`,
    line,
  }))

const findCut = (conf: PortsentryConf): Finding[] =>
  cutValues(conf).map(({ line, key, read, written }) => ({
    code: 'cut-value',
    message: `of ${key} portsentry reads only ${quoted(read)}, not ${quoted(written)}`,
    hint: 'a quote, tab or non-ASCII byte ends the value there: say it without',
    line,
  }))

/**
 * Everything that is wrong with a portsentry.conf, by the rules of the daemons that read it in these modes. Errors: they
 * would not start with it. Warnings: they read something else than it says. Pure; `path` is where the problems are said to be.
 */
export const judgeConf = (conf: PortsentryConf, modes: readonly Mode[], path: string): Problem[] => {
  const errors = modes.flatMap((mode) => readConfiguration(conf, mode, path).problems)
  const warnings = [...findCut(conf), ...findOdd(conf, modes), ...findUnread(conf)].map(
    ({ line, ...finding }): Problem => ({
      severity: 'warning',
      ...finding,
      at: line === undefined ? { path } : { path, line },
    }),
  )
  // Those that do not depend on the mode come with every mode.
  return [...new Map([...errors, ...warnings].map((problem) => [JSON.stringify(problem), problem])).values()]
}

import type { Trace } from './evidence.ts'
import { meantPort, type Setup } from './matrix.ts'

/**
 * What became of one packet, read from the log alone, the daemon's and the detector's alike:
 * `banned`: hosts.deny, KILL_ROUTE and KILL_RUN_CMD; `ran`: KILL_RUN_CMD only; `told`: noticed and nothing done;
 * `again`: blocked already; and where the daemon says so, `below` the trigger, `ignored`, `own` address, port
 * `in use`.
 * Anything else is given as the log's own words.
 */
type Outcome = string

/** Deeds in the log, each by a part of its line. */
const DEEDS = {
  'has been blocked via wrappers': 'wrappers',
  'has been blocked via dropped route': 'route',
  'External command run for host': 'command',
  'is already blocked': 'again',
  'response per configuration file setting': 'told',
  'has IP options set': '',
} as const

const deedOf = (line: string): string =>
  Object.entries(DEEDS).find(([part]) => line.includes(part))?.[1] ?? line

const judge = (deeds: readonly string[]): Outcome => {
  const sorted = deeds.filter(Boolean).sort().join(' ')
  if (sorted === 'command route wrappers') return 'banned'
  if (sorted === 'command') return 'ran'
  return sorted === '' ? 'noticed' : sorted
}

const NOTICED_12 = / from host: \S+ to (TCP|UDP) port: (\d+)$/
const NOTICED_2 =
  /^Scan from: .* protocol: \[(TCP|UDP)\] port: \[(\d+)\] .* ignored: \[(\w+)\] triggered: \[(\w+)\] noblock: \[(\w+)\]/
const IN_USE_2 = /^Ignoring packet from \S+ to destination port (\d+), a service is running$/

interface Item {
  port: number
  outcome: Outcome
}

/** 1.2 says what it noticed, then what it did about it. */
const read12 = (log: readonly string[]): Item[] => {
  const items: { port: number; deeds: string[] }[] = []
  for (const line of log) {
    const port = NOTICED_12.exec(line)?.[2]
    if (port === undefined) items.at(-1)?.deeds.push(deedOf(line))
    else items.push({ port: Number(port), deeds: [] })
  }
  return items.map(({ port, deeds }) => ({ port, outcome: judge(deeds) }))
}

/** What 2.x's flags say where it goes no further; '' where it does. */
const specialOf = (ignored = '', triggered = '', noblock = ''): Outcome => {
  if (ignored === 'true') return triggered === 'true' ? 'own' : 'ignored'
  if (triggered === 'false') return 'below'
  return noblock === 'true' ? 'told' : ''
}

/** 2.x tells its deeds first. */
const read2 = (log: readonly string[]): Item[] => {
  const items: Item[] = []
  let deeds: string[] = []
  for (const line of log) {
    const inUse = IN_USE_2.exec(line)?.[1]
    if (inUse !== undefined) items.push({ port: Number(inUse), outcome: 'in use' })
    const [, , port, ignored, triggered, noblock] = NOTICED_2.exec(line) ?? []
    if (inUse === undefined && port === undefined) deeds.push(deedOf(line))
    if (port === undefined) continue
    const special = specialOf(ignored, triggered, noblock)
    items.push({ port: Number(port), outcome: special === '' ? judge(deeds) : [special, ...deeds].join(' ') })
    deeds = []
  }
  return items
}

/** Port → what became of the packets to it, in order; a port of which the log says nothing is not in it. */
export const outcomesOf = (setup: Setup, trace: Trace | undefined): ReadonlyMap<number, Outcome> => {
  const log = trace?.log ?? []
  const outcomes = new Map<number, Outcome>()
  for (const { port, outcome } of setup.version === '1.2' ? read12(log) : read2(log)) {
    const meant = meantPort(setup, port)
    const before = outcomes.get(meant)
    outcomes.set(meant, before === undefined || before === outcome ? outcome : `${before}+${outcome}`)
  }
  return outcomes
}

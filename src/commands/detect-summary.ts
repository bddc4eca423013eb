import type { Outcome } from '../detector/decision.ts'
import { describeException, describeOutcome, type Exception, outcomeOf, scanOf } from './detect-report.ts'

/** Hosts that are kept apart, and of each how many ports, scan types, outcomes and actions are remembered. */
const MOST_HOSTS = 1000
const MOST_PORTS = 64
const MOST_WORDS = 16

/** A set that takes so many values and then says that there were more. */
interface Some<T> {
  readonly values: Set<T>
  more: boolean
}

interface HostSummary {
  noticed: number
  /** How often it came to what: `ignored`, `would be blocked`, … */
  readonly outcomes: Map<string, number>
  readonly exceptions: Some<string>
  readonly scans: Some<string>
  readonly ports: Some<string>
  readonly actions: Some<string>
}

export interface Summary {
  readonly add: (settled: Outcome, exception: Exception | null) => void
  readonly render: () => string
  readonly asJson: () => object
}

const some = <T>(): Some<T> => ({ values: new Set(), more: false })

const remember = <T>(memory: Some<T>, value: T, most: number): void => {
  if (memory.values.has(value)) return
  if (memory.values.size < most) memory.values.add(value)
  else memory.more = true
}

const list = <T>({ values, more }: Some<T>): string => [...values, ...(more ? ['…'] : [])].join(', ')

const renderHost = (host: string, summary: HostSummary): string => {
  const { noticed, outcomes, exceptions, scans, ports, actions } = summary
  const verdicts = [...outcomes].map(([word, count]) => (count === noticed ? word : `${count} ${word}`))
  const by = exceptions.values.size === 0 ? '' : ` ${list(exceptions)}`
  const lines = [
    `${host}: noticed ${noticed === 1 ? 'once' : `${noticed} times`}: ${verdicts.join(', ')}${by}`,
    `    ${list(scans)}; ports ${list(ports)}`,
    ...[...actions.values].map((action) => `    ${action}`),
    ...(actions.more ? ['    …'] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** What a run of the detector found, host by host. Holds at most a thousand hosts and says when there were more. */
export const createSummary = (): Summary => {
  const hosts = new Map<string, HostSummary>()
  let leftOut = 0
  const enter = (host: string): HostSummary | undefined => {
    const known = hosts.get(host)
    if (known !== undefined || hosts.size >= MOST_HOSTS) return known
    const fresh = {
      noticed: 0,
      outcomes: new Map<string, number>(),
      ...{
        exceptions: some<string>(),
        scans: some<string>(),
        ports: some<string>(),
        actions: some<string>(),
      },
    }
    hosts.set(host, fresh)
    return fresh
  }
  return {
    add: (settled, exception) => {
      const { decision, outcomes } = settled
      const summary = enter(decision.host)
      if (summary === undefined) {
        leftOut += 1
        return
      }
      summary.noticed += 1
      const outcome = outcomeOf(settled)
      summary.outcomes.set(outcome, (summary.outcomes.get(outcome) ?? 0) + 1)
      if (exception !== null) remember(summary.exceptions, describeException(exception), MOST_WORDS)
      remember(summary.scans, scanOf(decision), MOST_WORDS)
      remember(summary.ports, `${decision.packet.port}/${decision.packet.protocol}`, MOST_PORTS)
      for (const each of outcomes) remember(summary.actions, describeOutcome(each), MOST_WORDS)
    },
    render: () => {
      if (hosts.size === 0) return 'nobody was noticed\n'
      const all = [...hosts].map(([host, summary]) => renderHost(host, summary)).join('')
      return leftOut === 0 ? all : `${all}and ${leftOut} events of hosts beyond the first ${MOST_HOSTS}\n`
    },
    asJson: () => ({
      hosts: [...hosts].map(([host, { noticed, outcomes, exceptions, scans, ports, actions }]) => ({
        host,
        noticed,
        outcomes: Object.fromEntries(outcomes),
        exceptions: [...exceptions.values],
        scans: [...scans.values],
        ports: [...ports.values],
        actions: [...actions.values],
        isComplete: ![exceptions, scans, ports, actions].some(({ more }) => more),
      })),
      eventsLeftOut: leftOut,
    }),
  }
}

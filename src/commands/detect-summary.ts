import type { Outcome } from '../detector/decision.ts'
import { describeException, describeOutcome, type Exception, outcomeOf, scanOf } from './detect-report.ts'

/** How many hosts are listed separately, and how many exceptions, scan types, ports and actions of each. */
const MOST_HOSTS = 1000
const MOST_WORDS = 64
/** Stands for all further ones. */
const MORE = '…'

type Words = Set<string>

interface HostSummary {
  noticed: number
  /** Number of events by outcome: `ignored`, `would be blocked`, … */
  readonly outcomes: Map<string, number>
  readonly exceptions: Words
  readonly scans: Words
  readonly ports: Words
  readonly actions: Words
}

export interface Summary {
  readonly add: (outcome: Outcome, exception: Exception | null) => void
  readonly render: () => string
  readonly asJson: () => object
}

const remember = (words: Words, word: string): void => {
  words.add(words.size < MOST_WORDS || words.has(word) ? word : MORE)
}

const list = (words: Words): string => [...words].join(', ')

const known = (words: Words): string[] => [...words].filter((word) => word !== MORE)

const renderHost = (host: string, summary: HostSummary): string => {
  const { noticed, outcomes, exceptions, scans, ports, actions } = summary
  const verdicts = [...outcomes].map(([word, count]) => (count === noticed ? word : `${count} ${word}`))
  const by = exceptions.size === 0 ? '' : ` ${list(exceptions)}`
  const lines = [
    `${host}: noticed ${noticed === 1 ? 'once' : `${noticed} times`}: ${verdicts.join(', ')}${by}`,
    `    ${list(scans)}; ports ${list(ports)}`,
    ...[...actions].map((action) => `    ${action}`),
  ]
  return `${lines.join('\n')}\n`
}

/** The results of a run of the detector by host. Has at most a thousand hosts, and says if there were more. */
export const createSummary = (): Summary => {
  const hosts = new Map<string, HostSummary>()
  let leftOut = 0
  const enter = (host: string): HostSummary | undefined => {
    const entered = hosts.get(host)
    if (entered !== undefined || hosts.size >= MOST_HOSTS) return entered
    const words = { exceptions: new Set<string>(), scans: new Set<string>() }
    const fresh = {
      noticed: 0,
      outcomes: new Map(),
      ...words,
      ports: new Set<string>(),
      actions: new Set<string>(),
    }
    hosts.set(host, fresh)
    return fresh
  }
  return {
    add: (outcome, exception) => {
      const { decision, outcomes } = outcome
      const summary = enter(decision.host)
      if (summary === undefined) {
        leftOut += 1
        return
      }
      summary.noticed += 1
      const word = outcomeOf(outcome)
      summary.outcomes.set(word, (summary.outcomes.get(word) ?? 0) + 1)
      if (exception !== null) remember(summary.exceptions, describeException(exception))
      remember(summary.scans, scanOf(decision))
      remember(summary.ports, `${decision.packet.port}/${decision.packet.protocol}`)
      for (const each of outcomes) remember(summary.actions, describeOutcome(each))
    },
    render: () => {
      if (hosts.size === 0) return 'no scan was noticed\n'
      const all = [...hosts].map(([host, summary]) => renderHost(host, summary)).join('')
      return leftOut === 0 ? all : `${all}and ${leftOut} events of hosts beyond the first ${MOST_HOSTS}\n`
    },
    asJson: () => ({
      hosts: [...hosts].map(([host, { noticed, outcomes, ...words }]) => ({
        host,
        noticed,
        outcomes: Object.fromEntries(outcomes),
        ...Object.fromEntries(Object.entries(words).map(([name, each]) => [name, known(each)])),
        isComplete: !Object.values(words).some((each) => each.has(MORE)),
      })),
      eventsLeftOut: leftOut,
    }),
  }
}

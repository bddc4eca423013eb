import type { Decision, Outcome } from '../detector/decision.ts'
import type { Address } from '../detector/packet.ts'
import { listed } from '../phrases.ts'
import { describeException, describeOutcome, type Exception, outcomeOf, scanOf } from './detect-report.ts'

/** How many hosts are listed separately, and how many exceptions, scan types, ports and actions of each. */
const MOST_HOSTS = 1000
const MOST_WORDS = 64
/** The outcomes of `outcomeOf` in which something is done about the host. */
const BLOCKED: ReadonlySet<string> = new Set(['blocked', 'would be blocked'])
/** Stands for all further ones. */
const MORE = '…'

/** Texts by what they stand for, so that each is made once. */
type Words = Map<unknown, string>

interface HostSummary {
  readonly host: string
  noticed: number
  /** Number of events by outcome: `ignored`, `would be blocked`, … */
  readonly outcomes: Map<string, number>
  readonly exceptions: Words
  readonly scans: Words
  readonly ports: Words
  readonly actions: Words
  /** The modes in which it was blocked, or would be. */
  readonly blockedBy: Words
}

export interface Summary {
  readonly add: (outcome: Outcome, exception: Exception | null) => void
  readonly render: () => string
  readonly asJson: () => object
}

/** An IPv4 address as a number, which is found faster than its text. */
const keyOf = (address: Address): number | null => {
  const [a = 0, b = 0, c = 0, d = 0] = address
  return address.length === 4 ? (a << 24) | (b << 16) | (c << 8) | d : null
}

const remember = (words: Words, key: unknown, describe: () => string): void => {
  if (words.size > MOST_WORDS || words.has(key)) return
  if (words.size === MOST_WORDS) words.set(MORE, MORE)
  else words.set(key, describe())
}

const list = (words: Words): string => [...words.values()].join(', ')

const known = (words: Words): string[] => [...words.values()].filter((word) => word !== MORE)

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

/** An outcome and how many events had it: `would be blocked by atcp and audp`, `4 times already blocked`. */
const renderOutcome = (word: string, count: number, { noticed, blockedBy }: HostSummary): string => {
  if (BLOCKED.has(word)) {
    // Each daemon blocks for itself.
    const again = count > blockedBy.size ? ` ${times(count)}` : ''
    return `${word}${again} by ${listed([...blockedBy.values()])}`
  }
  return count === noticed ? word : `${times(count)} ${word}`
}

const renderHost = (summary: HostSummary): string => {
  const { host, noticed, outcomes, exceptions, scans, ports, actions } = summary
  const verdicts = [...outcomes].map(([word, count]) => renderOutcome(word, count, summary))
  const by = exceptions.size === 0 ? '' : ` ${list(exceptions)}`
  const lines = [
    `${host}: noticed ${times(noticed)}: ${verdicts.join('; ')}${by}`,
    `    ${list(scans)}; ports ${list(ports)}`,
    ...[...actions.values()].map((action) => `    ${action}`),
  ]
  return `${lines.join('\n')}\n`
}

/** The results of a run of the detector by host. Has at most a thousand hosts, and says if there were more. */
export const createSummary = (): Summary => {
  const hosts = new Map<number | string, HostSummary>()
  let leftOut = 0
  const enter = ({ host, packet }: Decision): HostSummary | undefined => {
    const key = keyOf(packet.source) ?? host
    const entered = hosts.get(key)
    if (entered !== undefined || hosts.size >= MOST_HOSTS) return entered
    const words = {
      ...{ exceptions: new Map(), scans: new Map(), ports: new Map(), actions: new Map() },
      blockedBy: new Map(),
    }
    const fresh = { host, noticed: 0, outcomes: new Map(), ...words }
    hosts.set(key, fresh)
    return fresh
  }
  return {
    add: (outcome, exception) => {
      const { decision, outcomes } = outcome
      const summary = enter(decision)
      if (summary === undefined) {
        leftOut += 1
        return
      }
      summary.noticed += 1
      const word = outcomeOf(outcome)
      summary.outcomes.set(word, (summary.outcomes.get(word) ?? 0) + 1)
      if (exception !== null)
        remember(summary.exceptions, `${exception.line} ${exception.text}`, () =>
          describeException(exception),
        )
      const { mode } = decision
      if (BLOCKED.has(word)) remember(summary.blockedBy, mode, () => mode)
      const { port, protocol } = decision.packet
      const scan = scanOf(decision)
      remember(summary.scans, scan, () => scan)
      remember(summary.ports, protocol === 'tcp' ? port : -port - 1, () => `${port}/${protocol}`)
      for (const each of outcomes) {
        const action = describeOutcome(each)
        remember(summary.actions, action, () => action)
      }
    },
    render: () => {
      if (hosts.size === 0) return 'no scan was noticed\n'
      const all = [...hosts.values()].map(renderHost).join('')
      return leftOut === 0 ? all : `${all}and ${leftOut} events of hosts beyond the first ${MOST_HOSTS}\n`
    },
    asJson: () => ({
      hosts: [...hosts.values()].map(({ host, noticed, outcomes, ...words }) => ({
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

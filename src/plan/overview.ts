import { basename } from 'node:path'
import { renderSections } from '../layout.ts'
import { listed } from '../phrases.ts'
import { styled } from '../styled.ts'
import { OF_THE_BAN_SET } from './owned-files.ts'
import type { InstallStep, Step } from './plan.ts'
import { installationInWords } from './summary.ts'
import { TOPICS, type Topic, wordsOf } from './words.ts'

/** An item of the overview. Items with the same `group` become one, with all of their `words`. */
interface Item {
  readonly group: string
  readonly words: readonly string[]
  readonly render: (words: readonly string[]) => string
}

const single = (text: string): Item => ({ group: text, words: [], render: () => text })

const installItems = (step: InstallStep, isVerbose: boolean): Item[] => {
  const all = step.packages.map(({ name, version }) => `${name} ${version}`)
  return [
    single(`install ${wordsOf(step).object}: ${installationInWords(step)}`),
    ...(isVerbose ? [single(`versions: ${all.join(', ')}`)] : []),
  ]
}

/** Files of the ban set are named by what they are for; the list of files below has their paths. */
const banSetItems = (verb: string, purpose: string, notes: readonly string[]): Item[] => [
  {
    group: `${verb} ban set`,
    words: [purpose.slice(0, -OF_THE_BAN_SET.length)],
    render: (purposes) => `${verb} ${listed(purposes)}${OF_THE_BAN_SET}`,
  },
  ...notes.map(single),
]

const itemsOf = (step: Step, isVerbose: boolean): Item[] => {
  const { verb, object, details } = wordsOf(step)
  const [purpose = '', ...notes] = details
  switch (step.kind) {
    case 'preseed':
      return [single(`${verb} ${object}${isVerbose ? `: ${step.selections.join('; ')}` : ''}`)]
    case 'install':
      return installItems(step, isVerbose)
    case 'write':
      return purpose.endsWith(OF_THE_BAN_SET)
        ? banSetItems(step.before === null ? 'new' : 'edited', purpose, notes)
        : [single(details.join('; '))]
    case 'touch':
      return [single(`new empty ${basename(step.path)}: ${details.join(', ')}`)]
    case 'remove': {
      const render = (names: readonly string[]) => `removed: ${listed(names)}, ${purpose}`
      return [{ group: `removed ${purpose}`, words: [basename(step.path)], render }]
    }
    case 'enable':
      return [{ group: verb, words: [step.unit], render: (units) => `start ${listed(units)} at boot` }]
    default:
      return [single(`${verb} ${object}${details.length === 0 ? '' : `: ${details.join(', ')}`}`)]
  }
}

const STYLES = { new: 'green', edited: 'yellow', removed: 'red' } as const

/** Colours the word for what becomes of a file. */
export const styleVerb = (text: string): string =>
  text.replace(/^(?:new|edited|removed)\b/, (word) => styled(STYLES[word as keyof typeof STYLES], word))

/** Items with the same group become one, where the first one is. */
const merged = (items: readonly Item[]): string[] => {
  const groups = new Map<string, readonly Item[]>()
  for (const item of items) groups.set(item.group, [...(groups.get(item.group) ?? []), item])
  return [...groups.values()].flatMap((all) => {
    const words = [...new Set(all.flatMap((item) => item.words))]
    return all.slice(0, 1).map(({ render }) => render(words))
  })
}

const TOPIC_COLUMNS = Math.max(...TOPICS.map((topic) => topic.length)) + 2

interface OverviewOptions {
  readonly columns: number
  readonly isVerbose: boolean
  /** What is said in addition where a topic has steps. */
  readonly remarks?: Readonly<Partial<Record<Topic, string>>>
}

/** What a plan does, by topic, each topic with its name in the first column. */
export const renderOverview = (
  steps: readonly Step[],
  { columns, isVerbose, remarks = {} }: OverviewOptions,
): string => {
  const sections = TOPICS.map((topic) => {
    const own = steps
      .filter((step) => wordsOf(step).topic === topic)
      // What a daemon does is more important than that it gets an empty log.
      .sort((one, other) => Number(one.kind === 'touch') - Number(other.kind === 'touch'))
    const lines = merged(own.flatMap((step) => itemsOf(step, isVerbose))).map(styleVerb)
    return { topic, lines: lines.length === 0 ? [] : [...lines, remarks[topic] ?? []].flat() }
  })
  return renderSections(sections, columns, { topicColumns: TOPIC_COLUMNS, indent: 0 })
}

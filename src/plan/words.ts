import { basename } from 'node:path'
import { counted, listed } from '../phrases.ts'
import { BAN_SET_FILES } from '../policy/ban-set.ts'
import { LEGACY_FILES } from '../policy/legacy-bans.ts'
import { ADDRESSES_PATH } from '../policy/server-addresses.ts'
import { timerPurpose } from '../policy/timers.ts'
import type { Step } from './plan.ts'
import { CHANGES } from './services.ts'

/** What the steps of a plan are about, in the order in which people read of them. */
export const TOPICS = [
  'packages',
  'portsentry',
  'fail2ban',
  'bans',
  'hosts.allow',
  'hosts.deny',
  'protected',
  'services',
] as const

export type Topic = (typeof TOPICS)[number]

/** A step in plain words: `edit`, `/etc/hosts.allow`, `lets in 3 networks`. */
interface StepWords {
  readonly topic: Topic
  readonly verb: string
  readonly object: string
  readonly details: readonly string[]
}

const BAN_FILES: ReadonlySet<string> = new Set([...BAN_SET_FILES, ...LEGACY_FILES])

const topicOf = (path: string): Topic => {
  if (BAN_FILES.has(path)) return 'bans'
  if (path === ADDRESSES_PATH) return 'protected'
  if (timerPurpose(path) !== undefined) return 'services'
  if (path === '/etc/hosts.allow' || path === '/etc/hosts.deny') return basename(path) as Topic
  return path.includes('portsentry') && !path.startsWith('/etc/fail2ban/') ? 'portsentry' : 'fail2ban'
}

/** Reasons; of more than two files that change, only the number. */
const inShort = (reasons: readonly string[]): readonly string[] => {
  const changed = reasons.filter((reason) => reason.endsWith(CHANGES))
  const paths = changed.map((reason) => reason.slice(0, -CHANGES.length))
  if (paths.length < 2) return reasons
  const named = paths.length === 2 ? listed(paths) : `${paths.length} files`
  return [...reasons.filter((reason) => !changed.includes(reason)), `${named} change`]
}

const fileWords = (
  verb: string,
  { path, reasons }: { readonly path: string; readonly reasons: readonly string[] },
): StepWords => ({ topic: topicOf(path), verb, object: path, details: reasons })

/** The requested packages by name, and how many more come with them. */
const packagesInWords = ({ requested, packages }: Extract<Step, { kind: 'install' }>): string => {
  const more = packages.filter(({ name }) => !requested.includes(name)).length
  return more === 0 ? listed(requested) : `${requested.join(', ')}, and ${more} more that they need`
}

/** The words for every kind of step. All that people read of steps comes from here. */
export const wordsOf = (step: Step): StepWords => {
  switch (step.kind) {
    case 'preseed':
      return {
        ...{ topic: 'packages', verb: 'preseed', object: 'debconf, so that it asks nothing' },
        details: [],
      }
    case 'install':
      return { topic: 'packages', verb: 'install', object: packagesInWords(step), details: [] }
    case 'write':
      return fileWords(step.before === null ? 'create' : 'edit', step)
    case 'touch':
      return { ...fileWords('create', step), object: `${step.path}, empty` }
    case 'remove':
      return fileWords('remove', step)
    case 'enable':
      return { topic: 'services', verb: 'enable', object: `${step.unit} at boot`, details: [] }
    case 'disable':
      return { topic: 'services', verb: 'disable', object: `${step.unit}, and stop it`, details: [] }
    case 'start-timer':
      return { topic: 'services', verb: 'start', object: step.unit, details: inShort(step.reasons) }
    case 'load-bans':
      return {
        topic: 'bans',
        verb: 'load',
        object: 'the ban set into the kernel',
        details: inShort(step.reasons),
      }
    case 'remove-bans':
      return {
        ...{ topic: 'bans', verb: 'remove', details: step.reasons },
        object: `the ban set of ${step.backend}${step.isLast ? ', and all bans in it' : ''}`,
      }
    case 'hand-over-bans':
      return {
        ...{ topic: 'bans', verb: 'stop', details: step.reasons },
        object: `the timer of the old ban program, and pass its ${counted(step.hosts.length, 'ban')} to fail2ban`,
      }
    case 'remove-ban-program':
      return {
        ...{ topic: 'bans', verb: 'remove', details: step.reasons },
        object: 'the rules, units and record of the old ban program',
      }
    case 'restart':
      return {
        topic: 'services',
        verb: 'restart',
        object: step.units.join(', '),
        details: inShort(step.reasons),
      }
    case 'reload':
      return { topic: 'services', verb: 'reload', object: step.service, details: inShort(step.reasons) }
    case 'release':
      return {
        ...{ topic: 'bans', verb: 'release', details: [] },
        object: `${step.address}, which is protected but banned`,
      }
  }
}

/** One step in words, on one line: `edit     /etc/hosts.allow: lets in 3 networks`. */
export const describeStep = (step: Step): string => {
  const { verb, object, details } = wordsOf(step)
  return `${verb.padEnd(8)} ${object}${details.length === 0 ? '' : `: ${details.join(', ')}`}`
}

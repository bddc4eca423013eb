import { KEYS_2, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Answer } from '../facts/portsentry-inquiry.ts'
import { listed } from '../phrases.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText, type PortsentryPackage } from './facts.ts'
import type { Release } from './release.ts'
import { isTried2 } from './releases/native-2.ts'

/**
 * A portsentry that is newer than those that portward was tried with: it is asked what it accepts, and refused only if it lacks
 * something that portward needs.
 */
type Asked = Pick<Facts, 'portsentry' | 'inquiry' | 'files'>

export const isUntried = (
  release: Release,
  portsentry: PortsentryPackage | null,
): portsentry is PortsentryPackage =>
  release.dialect === '2.x' && portsentry !== null && !isTried2(portsentry)

/** A value that 2.0 accepts for each key. The daemon opens the files while it reads their names. */
const sampleOf = (key: string): string => (key.endsWith('_FILE') ? '/dev/null' : '1')

const OPTIONS = ['--connect']

/** At most so many keys are asked about, so that it takes no longer than a fraction of a second. */
const MOST_KEYS = 50

/** Keys in the present portsentry.conf that 2.0 does not have. */
const newKeys = ({ files }: Pick<Facts, 'files'>, { confPath, translatedKeys }: Release): string[] => {
  const { lines } = parsePortsentryConf(fileText({ files }, confPath) ?? '', '2.x')
  const keys = lines.flatMap(({ text }) => /^([A-Z_][A-Z\d_]*)[ \t]*=[ \t]*"/.exec(text)?.[1] ?? [])
  return [...new Set(keys)].filter(
    (key) => !KEYS_2.some((known) => known.startsWith(key)) && !translatedKeys.has(key),
  )
}

/** What to ask an untried portsentry about. */
export const questions = (
  facts: Pick<Facts, 'files'>,
  release: Release,
): { readonly lines: readonly string[]; readonly options: readonly string[] } => {
  const keys = [...KEYS_2, ...newKeys(facts, release)].slice(0, MOST_KEYS)
  return { lines: keys.map((key) => `${key}="${sampleOf(key)}"`), options: OPTIONS }
}

/** The release with the keys that this portsentry has beside those of 2.0: those in its file, unless it refused them. */
export const asAsked = (release: Release, facts: Asked): Release => {
  if (!isUntried(release, facts.portsentry)) return release
  const moreKeys = newKeys(facts, release).filter((key) => facts.inquiry?.keys.get(key) !== 'refused')
  return { ...release, moreKeys }
}

/** What portward needs of an untried portsentry, and what it said to that. */
export interface Needs {
  readonly version: string
  /** Keys and options. */
  readonly needed: readonly string[]
  readonly refused: readonly string[]
  /** Those that got no clear answer. */
  readonly unclear: readonly string[]
  /** Why it was not asked at all; null if it was. */
  readonly notAsked: string | null
}

type Wanted = Pick<Settings, 'tcpMode' | 'udpMode'>

/** Null if the version is known. `conf`: the keys of portsentry.conf as they are to be. */
export const needsOf = (
  facts: Pick<Facts, 'portsentry' | 'inquiry' | 'live'>,
  release: Release,
  modes: Wanted,
  conf: ReadonlyMap<string, string | null>,
): Needs | null => {
  const { portsentry, inquiry, live } = facts
  if (!isUntried(release, portsentry)) return null
  const keys = [...conf].flatMap(([key, value]) => (value === null ? [] : [key]))
  const options = release
    .daemonArguments(modes)
    .flatMap((words) => words.split(' '))
    .filter(Boolean)
  const answers: ReadonlyMap<string, Answer> = new Map([
    ...(inquiry?.keys ?? []),
    ...(inquiry?.options ?? []),
  ])
  const needed = [...keys, ...options]
  const notInstalled = live === null ? 'only files were read' : 'it is not installed yet'
  return {
    version: portsentry.version,
    needed,
    refused: needed.filter((name) => answers.get(name) === 'refused'),
    unclear: needed.filter((name) => !answers.has(name)),
    notAsked: inquiry ? null : notInstalled,
  }
}

/** What the answers leave open, as the end of a sentence; null if nothing. */
export const openIn = ({ needed, unclear, notAsked }: Needs): string | null => {
  if (notAsked !== null) return `whether it accepts what portward needs was not checked: ${notAsked}`
  if (unclear.length === 0) return null
  const which = unclear.length === needed.length ? 'its keys and options' : listed(unclear)
  return `whether it accepts ${which} was not checked: it gave no clear answer`
}

/** What portward needs of an untried portsentry, which it does not have. */
const lacks = (name: string, version: string, settings: Settings, { confPath }: Release): Problem => {
  const isOption = name.startsWith('--')
  const given = settings.locations.get(isOption ? 'TCP_MODE' : name)
  const fix = isOption ? 'use stealth modes (stcp, atcp, sudp, audp)' : `remove ${name}`
  return {
    severity: 'error',
    code: 'not-in-this-release',
    message: `portsentry ${version} does not know the ${isOption ? 'option' : 'key'} ${name}, which portward needs`,
    hint:
      given === undefined
        ? 'nothing was changed; install an earlier portsentry, or a portward that knows this one'
        : fix,
    at: given ?? { path: confPath },
  }
}

/** Keys and options that an untried portsentry lacks, or else a warning that it is untried. */
export const findUntried = (settings: Settings, release: Release, needs: Needs | null): Problem[] => {
  if (needs === null) return []
  const { version, needed, refused } = needs
  if (refused.length > 0) return refused.map((name) => lacks(name, version, settings, release))
  const found = openIn(needs) ?? `it accepts all ${needed.length} keys and options that portward needs`
  return [
    {
      severity: 'warning',
      code: 'untried-portsentry',
      message: `portward was not tried with portsentry ${version}: ${found}`,
      hint: 'portward verify shows whether scanners are banned',
      at: { path: release.confPath },
    },
  ]
}

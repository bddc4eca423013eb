import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import { isSystemPath } from '../settings/log-paths.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import { type Modes, modesOf, type Release } from './release.ts'

const KEY = 'BLOCKED_FILE'

/** The value of 1.2's stock file; that of 2.x has a path in /tmp. 2.x creates a missing directory. */
const DEFAULT = '/var/lib/portsentry/portsentry.blocked'

type Given = Pick<Settings, 'portsentryKeys'>

const presentPath = (facts: Pick<Facts, 'files'>, { confPath, dialect }: Release): string | undefined =>
  getKey(parsePortsentryConf(fileText(facts, confPath) ?? '', dialect), KEY)

/** Every possible BLOCKED_FILE: that of config.env, and that of portsentry.conf. */
export const blockedFileCandidates = (
  { portsentryKeys }: Given,
  facts: Pick<Facts, 'files'>,
  release: Release,
): string[] =>
  [portsentryKeys.get(KEY), presentPath(facts, release)].flatMap((path) =>
    path?.startsWith('/') ? [path] : [],
  )

/** That of config.env; else the present one, if only root can write to its directory and it is not a system path; else the default. */
export const blockedFile = (settings: Given, facts: Facts, release: Release): string => {
  const present = presentPath(facts, release)
  const isFit =
    present !== undefined && present !== '' && !isSystemPath(present) && !facts.insecure.has(present)
  return settings.portsentryKeys.get(KEY) || (isFit ? present : DEFAULT)
}

const filesOf = (path: string, modes: Modes, { dialect }: Release): string[] =>
  dialect === '2.x' ? [path] : modesOf(modes).map((mode) => `${path}.${mode}`)

/** The files in which portsentry lists the hosts that it has blocked: 1.2 has one for each mode. */
export const findBlockedFiles = (settings: Given & Modes, facts: Facts, release: Release): string[] => {
  return filesOf(blockedFile(settings, facts, release), settings, release)
}

/** The same, of every path that blockedFile may choose. */
export const possibleBlockedFiles = (
  settings: Given & Modes,
  facts: Pick<Facts, 'files'>,
  release: Release,
): string[] =>
  [...blockedFileCandidates(settings, facts, release), DEFAULT].flatMap((path) =>
    filesOf(path, settings, release),
  )

/**
 * An insecure path in config.env is refused, not replaced. A daemon that opens a FIFO there hangs, and it considers all hosts
 * in a file that another user wrote as blocked already: it does not act on them.
 */
export const findInsecureBlockedFile = (settings: Given, facts: Facts, at: SourceLocation): Problem[] => {
  const given = settings.portsentryKeys.get(KEY)
  const why = given ? facts.insecure.get(given) : undefined
  if (why === undefined) return []
  return [
    {
      severity: 'error',
      code: 'blocked-file',
      message: `${KEY}=${given} is where users other than root can create files: ${why}; a FIFO there would make portsentry hang`,
      hint: `leave it out to use ${DEFAULT}, or choose a directory that only root can write to`,
      at,
    },
  ]
}

import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Problem, SourceLocation } from '../problem.ts'
import { isSystemPath } from '../settings/log-paths.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import { modesOf, type Release } from './release.ts'

const KEY = 'BLOCKED_FILE'

/** As 1.2's stock file says; that of 2.x has a path in /tmp. 2.x makes the directory where it is missing. */
const DEFAULT = '/var/lib/portsentry/portsentry.blocked'

type Given = Pick<Settings, 'portsentryKeys'>

const presentPath = (facts: Facts, { confPath, dialect }: Release): string | undefined =>
  getKey(parsePortsentryConf(fileText(facts, confPath) ?? '', dialect), KEY)

/** Every path that BLOCKED_FILE may come to: config.env's, and that of portsentry.conf. */
export const blockedFileCandidates = ({ portsentryKeys }: Given, facts: Facts, release: Release): string[] =>
  [portsentryKeys.get(KEY), presentPath(facts, release)].flatMap((path) =>
    path?.startsWith('/') ? [path] : [],
  )

/** config.env's; the admin's own, where it is in a directory of root's and none of the system's; else the default. */
export const blockedFile = (settings: Given, facts: Facts, release: Release): string => {
  const present = presentPath(facts, release)
  const isFit =
    present !== undefined && present !== '' && !isSystemPath(present) && !facts.insecure.has(present)
  return settings.portsentryKeys.get(KEY) || (isFit ? present : DEFAULT)
}

/** The files in which portsentry keeps whom it has blocked: 1.2 has one for each mode. */
export const findBlockedFiles = (
  settings: Given & Pick<Settings, 'tcpMode' | 'udpMode'>,
  facts: Facts,
  release: Release,
): string[] => {
  const path = blockedFile(settings, facts, release)
  return release.dialect === '2.x' ? [path] : modesOf(settings).map((mode) => `${path}.${mode}`)
}

/**
 * A path in config.env is not replaced by another one: it is refused. A daemon that opens a FIFO there hangs, and takes
 * whoever a file of somebody else's lists for blocked already: it does nothing about these hosts.
 */
export const findInsecureBlockedFile = (settings: Given, facts: Facts, at: SourceLocation): Problem[] => {
  const given = settings.portsentryKeys.get(KEY)
  const why = given ? facts.insecure.get(given) : undefined
  if (why === undefined) return []
  return [
    {
      severity: 'error',
      code: 'blocked-file',
      message: `${KEY}=${given} is where others than root can put a file: ${why}; a FIFO there stops portsentry`,
      hint: `leave it out, which means ${DEFAULT}, or choose a directory that only root can write to`,
      at,
    },
  ]
}

import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Place, Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import type { Release } from './release.ts'

const KEY = 'BLOCKED_FILE'

/** As 1.2's stock file says; that of 2.x has a path in /tmp. 2.x makes the directory where it is missing. */
const DEFAULT = '/var/lib/portsentry/portsentry.blocked'

/** Where anybody may make files on every Debian, which a tree does not show. */
const PUBLIC = /^\/(?:tmp|var\/tmp|dev\/shm|run\/lock|var\/lock)\//

type Given = Pick<Settings, 'portsentryKeys'>

const presentPath = (facts: Facts, { confPath, dialect }: Release): string | undefined =>
  getKey(parsePortsentryConf(fileText(facts, confPath) ?? '', dialect), KEY)

/** Every path at which the blocked file may be: config.env's, and that of portsentry.conf. */
export const blockedFiles = ({ portsentryKeys }: Given, facts: Facts, release: Release): string[] =>
  [portsentryKeys.get(KEY), presentPath(facts, release)].flatMap((path) =>
    path?.startsWith('/') ? [path] : [],
  )

/**
 * Why others than root can put something at a path, in words; null where they cannot. A daemon that opens a FIFO
 * there hangs, and takes whoever a file of theirs lists for blocked already: it does nothing about these hosts.
 */
const insecurity = (facts: Facts, path: string): string | null => {
  const directory = PUBLIC.exec(path)?.[0].slice(0, -1)
  return directory === undefined ? (facts.insecure.get(path) ?? null) : `anybody may write to ${directory}`
}

/** config.env's; the admin's own, where it is in a directory of root's; else the default. */
export const blockedFile = (settings: Given, facts: Facts, release: Release): string => {
  const present = presentPath(facts, release)
  const isSafe = present !== undefined && present !== '' && insecurity(facts, present) === null
  return settings.portsentryKeys.get(KEY) || (isSafe ? present : DEFAULT)
}

/** A path in config.env is not replaced by another one: it is refused. */
export const findInsecureBlockedFile = (settings: Given, facts: Facts, at: Place): Problem[] => {
  const given = settings.portsentryKeys.get(KEY)
  const why = given ? insecurity(facts, given) : null
  if (why === null) return []
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

import { findEntry, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Problem } from '../problem.ts'
import { isSystemPath } from '../settings/log-paths.ts'
import type { Settings } from '../settings/settings.ts'
import { type Facts, fileText } from './facts.ts'
import type { Release } from './release.ts'

const KEY = 'HISTORY_FILE'

/**
 * A HISTORY_FILE in portsentry.conf that is not a log of portsentry: the daemon, which runs as root, would append lines to it
 * or, with 2.x, truncate it at each start. The value of config.env has been checked with the settings.
 */
export const findUnfitHistory = (
  { portsentryKeys }: Pick<Settings, 'portsentryKeys'>,
  facts: Facts,
  { confPath, dialect, requiredKeys }: Release,
  historyPath: string,
): Problem[] => {
  const isFit = historyPath.startsWith('/') && !isSystemPath(historyPath)
  if (portsentryKeys.has(KEY) || isFit) return []
  const entry = findEntry(parsePortsentryConf(fileText(facts, confPath) ?? '', dialect), KEY)
  return [
    {
      severity: 'error',
      code: 'history-file',
      message: `${KEY} is "${historyPath}", which is not in a directory for logs`,
      hint: `set ${KEY}=${requiredKeys.get(KEY)} in config.env, or in this file`,
      at: entry === undefined ? { path: confPath } : { path: confPath, line: entry.line.number },
    },
  ]
}

import { join } from 'node:path'
import { type Assessment, namedConfig } from '../assessment/assess.ts'
import { type Configuration, readConfiguration } from '../detector/configuration.ts'
import type { Mode } from '../detector/decision.ts'
import { judgeConf } from '../detector/judge-conf.ts'
import type { IgnoreList } from '../documents/ignore-list.ts'
import { type PortsentryConf, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { daemonModes, type Release } from '../policy/release.ts'
import type { Problem } from '../problem.ts'
import { HostError } from '../system/host-error.ts'
import type { GlobalOptions } from './output.ts'

/** The modes that config.env asks for; null if it has errors. */
interface WantedModes {
  readonly modes: readonly string[] | null
  readonly problems: readonly Problem[]
}

/** The modes of config.env in the terms of this release; without a config.env, the default modes. */
export const wantedModes = (
  { settings, configProblems: problems }: Assessment,
  options: GlobalOptions,
  release: Release,
): WantedModes => {
  if (settings !== null) return { modes: daemonModes(release, settings), problems }
  if (namedConfig(options) !== undefined || problems.some(({ code }) => code !== 'no-config'))
    return { modes: null, problems }
  return { modes: daemonModes(release, { tcpMode: 'atcp', udpMode: 'audp' }), problems: [] }
}

/** What the daemons of these modes read from portsentry.conf. */
export interface Subject {
  readonly configurations: readonly Configuration[]
  /** Candidates for the ignore list, of which the first that exists counts; empty if the daemon does not read one. */
  readonly ignorePaths: readonly string[]
  /** Whether the daemon does not start without a list that it can read. */
  readonly needsIgnoreList: boolean
  /** What is wrong with portsentry.conf. With an error they would not start. */
  readonly problems: readonly Problem[]
}

/** Throws HostError if portsentry.conf does not exist or could not be read. */
export const confOf = (facts: Facts, { dialect, confPath, moreKeys }: Release): PortsentryConf => {
  const unreadable = facts.unreadable.get(confPath)
  if (unreadable !== undefined) throw new HostError(unreadable.message, unreadable.hint)
  const text = fileText(facts, confPath)
  if (text === undefined)
    throw new HostError(`${join(facts.root, confPath)} does not exist`, 'install portsentry there')
  return parsePortsentryConf(text, dialect, moreKeys)
}

export const subjectOf = (
  root: string,
  conf: PortsentryConf,
  { dialect, confPath, ignorePath, builtIgnorePath }: Release,
  modes: readonly Mode[],
): Subject => {
  const configurations = modes.map((mode) => readConfiguration(conf, mode))
  const path = configurations[0]?.ignoreFile ?? null
  // Debian's init script builds the list when it starts the daemon: until then, its source file counts.
  const ignorePaths = path === null ? [] : path === builtIgnorePath ? [path, ignorePath] : [path]
  return {
    configurations,
    ignorePaths: [...new Set(ignorePaths)],
    needsIgnoreList: dialect === '2.x' && path !== null,
    problems: judgeConf(conf, modes, join(root, confPath)),
  }
}

/** 2.x does not start without its ignore file, or with a line in it that it cannot read. `path`: as shown. */
export const judgeIgnoreList = (list: IgnoreList | null, path: string): Problem[] => {
  const severity = 'error'
  if (list === null) {
    const message = 'does not exist: portsentry does not start without it'
    return [{ severity, code: 'no-ignore-file', message, hint: 'create it', at: { path } }]
  }
  return list.faults.map(({ line, message }) => ({
    severity,
    code: 'bad-ignore-line',
    message: `${message}: portsentry does not start`,
    hint: 'fix or remove the line',
    at: { path, line },
  }))
}

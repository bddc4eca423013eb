import { join } from 'node:path'
import { type Configuration, readConfiguration } from '../detector/configuration.ts'
import type { Mode } from '../detector/decision.ts'
import { judgeConf } from '../detector/judge-conf.ts'
import { readConf } from '../host/portsentry-files.ts'
import { type IgnoreSource, openIgnoreList } from '../live-detection/ignore-source.ts'
import type { Release } from '../policy/release.ts'
import { daemonModes } from '../policy/release.ts'
import type { Problem } from '../problem.ts'
import { type Assessment, namedConfig } from './assess.ts'
import type { GlobalOptions } from './output.ts'

/** What config.env says of the modes; with errors, no modes. */
interface WantedModes {
  readonly modes: readonly string[] | null
  readonly problems: readonly Problem[]
}

/** The modes of config.env as this release knows them; where there is no config.env, those that it would say by default. */
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

/** What the daemons of these modes go by, and what is wrong with it: over errors they would not start. */
export interface Subject {
  readonly configurations: readonly Configuration[]
  readonly ignore: IgnoreSource
  readonly problems: readonly Problem[]
}

/** 2.x does not start without its ignore file, or over a line of it that it cannot read. */
const ignoreProblems = async (ignore: IgnoreSource, path: string | null): Promise<Problem[]> => {
  if (path === null) return []
  const list = await ignore.list()
  const severity = 'error'
  if (list === null) {
    const message = 'does not exist: portsentry does not start without it'
    return [{ severity, code: 'no-ignore-file', message, hint: 'create it', at: { path: ignore.path() } }]
  }
  return list.faults.map(({ line, message }) => ({
    severity,
    code: 'bad-ignore-line',
    message: `${message}: portsentry does not start`,
    hint: 'fix or remove the line',
    at: { path: ignore.path(), line },
  }))
}

/** Reads portsentry.conf and the ignore list of a server or tree. Throws HostError where a file cannot be read. */
export const readSubject = async (
  root: string,
  release: Release,
  modes: readonly Mode[],
): Promise<Subject> => {
  const { dialect, confPath, ignorePath, builtIgnorePath } = release
  const conf = await readConf(root, release)
  const at = join(root, confPath)
  const configurations = modes.map((mode) => readConfiguration(conf, mode))
  const path = configurations[0]?.ignoreFile ?? null
  // Debian's init script builds the list when it starts the daemon: before that, what it is built from counts.
  const paths = path === null ? [] : path === builtIgnorePath ? [path, ignorePath] : [path]
  const ignore = await openIgnoreList(root, [...new Set(paths)], dialect)
  const more = dialect === '2.x' ? await ignoreProblems(ignore, path) : []
  return { configurations, ignore, problems: [...judgeConf(conf, modes, at), ...more] }
}

import { readIgnoreFiles } from '../facts/ignore-files.ts'
import { readWrapped } from '../facts/libwrap.ts'
import { findMissing } from '../facts/log-patterns.ts'
import { type Located, locateFiles, type Obstacle, obstaclesQuery } from '../facts/obstacles.ts'
import {
  hasPackageLists,
  type NewPackage,
  readInstalled,
  readPackageFiles,
  simulateInstall,
} from '../facts/packages.ts'
import { readPortsentryFile } from '../facts/portsentry-files.ts'
import { inquiryQuery } from '../facts/portsentry-inquiry.ts'
import { readStockFiles, type StockFiles } from '../facts/stock-files.ts'
import { readInit } from '../facts/systemd.ts'
import type { Backend } from '../policy/backends/definition.ts'
import { blockedFileCandidates, findBlockedFiles, possibleBlockedFiles } from '../policy/blocked-file.ts'
import { findHistory } from '../policy/desired.ts'
import type { Facts, LiveFacts, PortsentryPackage } from '../policy/facts.ts'
import { assumeRelease, findRelease, releaseOf } from '../policy/find-release.ts'
import { namesToAsk } from '../policy/host-names.ts'
import { namedIgnoreFiles } from '../policy/ignore-files.ts'
import { FAIL2BAN_DIRECTORY, JAIL_PATH, namedLogs, SSHD_PATH } from '../policy/jail.ts'
import { packagesOfJails } from '../policy/jail-actions.ts'
import { requiredPackages } from '../policy/packages.ts'
import { isUntried, questions } from '../policy/untried.ts'
import type { Settings } from '../settings/settings.ts'
import { type FileState, listDirectory, readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { findOtherCreator, resolveInRoot } from '../system/paths.ts'
import { ask } from '../system/query.ts'
import { readInferredRelease } from './infer-release.ts'
import { isWanted, orUnreadable, readFiles, SYSTEM_FILES } from './read-files.ts'
import { readBanning, readLive } from './read-live-facts.ts'

/** The packages whose files have to be predicted for a plan while they are not installed. */
const STOCK_PACKAGES = ['portsentry', 'fail2ban', 'libwrap0']

interface Installation {
  readonly installs: readonly NewPackage[] | null
  readonly stock: ReadonlyMap<string, StockFiles>
  readonly unknown: readonly string[]
  /** See Facts. */
  readonly assumedRelease?: string
}

/** What installing the missing packages would bring. */
const predictInstallation = async (
  settings: Settings,
  backend: Backend,
  packages: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, FileState>,
  alsoMissing: readonly string[] = [],
): Promise<Installation> => {
  const required = (all: ReadonlyMap<string, FileState>): string[] =>
    requiredPackages(settings, backend, readInit(), packagesOfJails({ files: all, packages }))
  const missing = [...required(files), ...alsoMissing].filter((name) => !packages.has(name))
  if (missing.length === 0) return { installs: [], stock: new Map(), unknown: [] }
  const simulated = await simulateInstall(missing)
  if ('reason' in simulated) {
    const nothing = { installs: null, stock: new Map() }
    if (await hasPackageLists()) return { ...nothing, unknown: [simulated.reason] }
    const [version, system] = await Promise.all(
      ['/etc/debian_version', '/etc/os-release'].map((path) => readFileState('/', path)),
    )
    const assumed = assumeRelease(version?.text ?? '', system?.text)
    return assumed === null
      ? { ...nothing, unknown: ['apt has no package lists'] }
      : { ...nothing, unknown: [], assumedRelease: assumed.name }
  }
  const installs = simulated.installs.map(({ name, version, download }) => ({ name, version, download }))
  try {
    const wanted = simulated.installs.filter(({ name }) => STOCK_PACKAGES.includes(name))
    const stock = await readStockFiles(wanted, isWanted)
    // The jails of a fail2ban that is still to come may need more.
    const more = required(
      new Map([...files, ...[...stock.values()].flatMap((one) => [...one.files])]),
    ).filter((name) => !packages.has(name) && !installs.some((one) => one.name === name))
    if (more.some((name) => !alsoMissing.includes(name)))
      return predictInstallation(settings, backend, packages, files, more)
    const unpredictable = [...stock.values()].flatMap((files) => files.unpredictable)
    return {
      installs,
      stock,
      unknown: unpredictable.map((path) => `what the packages put into ${path} cannot be predicted`),
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { installs, stock: new Map(), unknown: [`${error.message}: ${error.hint}`] }
  }
}

const readPortsentry = async (
  root: string,
  packages: ReadonlyMap<string, string>,
): Promise<PortsentryPackage | null> => {
  const version = packages.get('portsentry')
  return version === undefined ? null : { version, files: await readPackageFiles(root, 'portsentry') }
}

/** The files that have to be written on this server, as far as they are known from what is installed. */
const findWritten = async (
  settings: Settings,
  installed: PortsentryPackage | null,
  files: ReadonlyMap<string, FileState>,
): Promise<Located[]> => {
  const release = installed === null ? undefined : releaseOf(installed)
  const ofDaemon =
    release === undefined
      ? []
      : [findHistory(settings, { files }, release), ...possibleBlockedFiles(settings, { files }, release)]
  return locateFiles('/', [...SYSTEM_FILES, JAIL_PATH, SSHD_PATH, ...ofDaemon])
}

const findPortsentry = (
  installed: PortsentryPackage | null,
  { installs, stock }: Installation,
): PortsentryPackage | null => {
  if (installed !== null) return installed
  const candidate = installs?.find(({ name }) => name === 'portsentry')
  if (candidate === undefined) return null
  return { version: candidate.version, files: stock.get('portsentry')?.paths ?? null }
}

/** The attributes assumed for the history, which a copy of /etc does not contain. */
const ASSUMED_HISTORY = { mode: 0o600, uid: 0, gid: 0, modifiedMs: 0 }

/** Names of the filters or actions among paths. */
const namesOf = (paths: readonly string[]): Set<string> =>
  new Set(paths.map((path) => path.replace(/^.*\//, '').replace(/\.(?:conf|local|py)$/, '')))

/** Those of these paths at which another user could create a file before the daemon does, with the reason. */
const readInsecure = async (paths: readonly string[]): Promise<Map<string, string>> => {
  const makers = await Promise.all(
    paths.map(async (path) => [path, await findOtherCreator(await resolveInRoot('/', path))] as const),
  )
  return new Map(makers.flatMap(([path, maker]) => (maker === null ? [] : [[path, maker] as const])))
}

/** What an installed portsentry of an untried version says that it accepts: see `inquiry` of Facts. */
const readInquiry = async (
  isLive: boolean,
  installed: PortsentryPackage | null,
  files: ReadonlyMap<string, FileState>,
): Promise<Pick<Facts, 'inquiry'>> => {
  const release = installed === null ? undefined : releaseOf(installed)
  if (release === undefined || !isUntried(release, installed)) return {}
  if (!isLive) return { inquiry: null }
  const { lines, options } = questions({ files }, release)
  return { inquiry: await ask(inquiryQuery(release.daemonPath, lines, options)) }
}

export interface FactOptions {
  /** The release of a copy of /etc, which does not show it; an installed package overrides it. */
  readonly release?: string
  /** Leaves out what only the running system shows (processes, firewall, apt), as for a tree. */
  readonly filesOnly?: boolean
  /** Goes by the recorded addresses of names: a name server that is silent costs seconds. */
  readonly namesAsRecorded?: boolean
}

/**
 * Reads everything about a server or tree that commands decide by. Changes nothing. What cannot be read is part of the
 * result (`unreadable`, `notes`). Throws HostError on any other failure.
 */
export const readFacts = async (
  root: string,
  settings: Settings,
  { release: requestedRelease, filesOnly = false, namesAsRecorded = false }: FactOptions = {},
): Promise<Facts> => {
  const isLive = root === '/' && !filesOnly
  const installed = readInstalled(root)
  const read = readFiles(root)
  const banning = isLive ? readBanning(settings, installed, read) : null
  const portsentry = installed.then((packages) => readPortsentry(root, packages))
  const readRunning = async (): Promise<{ live: LiveFacts | null; known: ReadonlyMap<string, Obstacle> }> => {
    if (banning === null) return { live: null, known: new Map() }
    const { files } = await read
    const written = await findWritten(settings, await portsentry, files)
    const names = namesAsRecorded ? null : namesToAsk(settings, { files })
    const { live, answer } = await readLive(settings, banning, obstaclesQuery(written), names)
    return { live, known: answer ?? new Map() }
  }
  const [packages, { files, unreadable }, { live, known }, missing, wrapped, actionFiles, filterFiles] =
    await Promise.all([
      installed,
      read,
      readRunning(),
      // While the programs run; again only if packages bring more files.
      read.then((found) => findMissing(root, namedLogs(found))),
      installed.then((packages) => readWrapped(root, packages)),
      listDirectory(root, `${FAIL2BAN_DIRECTORY}/action.d`),
      listDirectory(root, `${FAIL2BAN_DIRECTORY}/filter.d`),
    ])
  const installation: Installation =
    banning === null
      ? { installs: [], stock: new Map(), unknown: [] }
      : await predictInstallation(settings, (await banning).backend, packages, files)
  const inferredRelease = await readInferredRelease(root, packages, files, requestedRelease)
  const isCopy = 'inferredRelease' in inferredRelease
  const predicted = new Set<string>()
  for (const [path, state] of [...installation.stock.values()].flatMap((stock) => [...stock.files])) {
    if (files.has(path)) continue
    files.set(path, state)
    predicted.add(path)
  }
  const stockPaths = [...installation.stock.values()].flatMap(({ paths }) => paths)
  const stockIn = (name: string) =>
    stockPaths.filter((path) => path.startsWith(`${FAIL2BAN_DIRECTORY}/${name}/`))
  const facts: Facts = {
    root,
    live,
    portsentry: findPortsentry(await portsentry, installation),
    ...inferredRelease,
    // After the processes were read, since it is one of portsentry's own.
    ...(await readInquiry(isLive, await portsentry, files)),
    packages,
    installs: installation.installs,
    files,
    predicted,
    unreadable,
    obstacles: new Map(),
    insecure: new Map(),
    actions: namesOf([...actionFiles, ...stockIn('action.d')]),
    filters: namesOf([...filterFiles, ...stockIn('filter.d')]),
    wrapped,
    ignoreFiles: await readIgnoreFiles(root, namedIgnoreFiles({ files })),
    // A copy of /etc does not show which logs its server has.
    missingLogs: isCopy
      ? new Set()
      : predicted.size === 0
        ? missing
        : await findMissing(root, namedLogs({ files })),
    unknown: installation.unknown,
    ...(installation.assumedRelease === undefined ? {} : { assumedRelease: installation.assumedRelease }),
    notes:
      live !== null && !live.asRoot
        ? [
            'not root: the firewall, the jails and bans of fail2ban, whether portsentry watches, which files cannot be written, and whether an earlier apply was interrupted, were not checked',
          ]
        : [],
  }
  const fitting = findRelease(facts)
  if ('code' in fitting) return facts
  const insecure = isLive
    ? await readInsecure(blockedFileCandidates(settings, facts, fitting))
    : facts.insecure
  // Only whether the history exists matters here: it may be large, and no decision depends on its content.
  const historyPath = findHistory(settings, facts, fitting)
  const historyState = await orUnreadable({ unreadable }, historyPath, () =>
    readPortsentryFile(root, historyPath),
  )
  const history = historyState ?? (isCopy ? ASSUMED_HISTORY : null)
  const blocked = findBlockedFiles(settings, { ...facts, insecure }, fitting)
  // Only root can read all of them.
  if (live === null || live.asRoot) {
    await Promise.all(
      blocked.map((path) => orUnreadable({ unreadable }, path, () => readPortsentryFile(root, path))),
    )
  }
  // If portsentry is not installed, these paths are not known before.
  const left = (await portsentry) === null ? [historyPath, ...blocked] : []
  const more = live?.asRoot && left.length > 0 ? await ask(obstaclesQuery(await locateFiles(root, left))) : []
  const obstacles = new Map([...known, ...more])
  if (history !== null) files.set(historyPath, { ...history, text: '' })
  return { ...facts, obstacles, insecure }
}

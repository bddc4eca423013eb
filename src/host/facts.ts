import { join } from 'node:path'
import { namesPeers, PEER_DIRECTORIES } from '../documents/peer-hosts.ts'
import type { Backend } from '../policy/backends/definition.ts'
import { BAN_SET_FILES } from '../policy/ban-set.ts'
import { blockedFileCandidates, findBlockedFiles } from '../policy/blocked-file.ts'
import { findHistory } from '../policy/desired.ts'
import type { Facts, FileState, PackageVersion, PortsentryPackage } from '../policy/facts.ts'
import { expectRelease, findRelease, RELEASES } from '../policy/find-release.ts'
import { FAIL2BAN_DIRECTORY, JAIL_PATH, namedLogs, SSHD_PATH } from '../policy/jail.ts'
import { LEGACY_FILES, LEGACY_RECORD } from '../policy/legacy-bans.ts'
import { requiredPackages } from '../policy/packages.ts'
import { ADDRESSES_PATH } from '../policy/server-addresses.ts'
import type { Settings } from '../settings/settings.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { readBanning, readLive } from './live-facts.ts'
import { readPortsentryFile } from './log-files.ts'
import { findMissing } from './logs.ts'
import { hasPackageLists, readInstalled, readPackageFiles, simulateInstall } from './packages.ts'
import { findMaker, resolveInRoot } from './paths.ts'
import { listDirectory, readTold } from './release.ts'
import { readInit } from './services.ts'
import { readStockFiles, type StockFiles } from './stock-files.ts'
import { readWrapped } from './wrappers.ts'
import { readObstacles } from './writability.ts'

/** Every release's files, so that left-overs of another one are seen too, and those that the system shares. */
const SYSTEM_FILES: ReadonlySet<string> = new Set([
  ...RELEASES.flatMap((release) => [
    ...(release.modesPath === null ? [] : [release.modesPath]),
    release.confPath,
    release.ignorePath,
    release.builtIgnorePath,
    ...release.ownedFiles({ tcpMode: '', udpMode: '' }).keys(),
  ]),
  ...BAN_SET_FILES,
  ...LEGACY_FILES,
  ADDRESSES_PATH,
  '/etc/hosts.allow',
  '/etc/hosts.deny',
])

/** The packages whose files a plan has to foresee while they are not installed. */
const STOCK_PACKAGES = ['portsentry', 'fail2ban', 'libwrap0']

const isFail2banConfig = (path: string): boolean =>
  /^\/etc\/fail2ban\/(?:(?:jail|fail2ban)\.d\/)?[^/]+\.(?:conf|local)$/.test(path)

const isWanted = (path: string): boolean => SYSTEM_FILES.has(path) || isFail2banConfig(path)

/**
 * Files that name hosts: those that the server talks to, and those that an earlier portward banned. One that cannot be read is
 * passed over: whoever may not, sees less.
 */
const readHostFiles = async (root: string): Promise<Map<string, FileState>> => {
  const lists = PEER_DIRECTORIES.map(async (directory) => {
    const names = await listDirectory(root, directory).catch(() => [])
    return names.map((name) => `${directory}/${name}`).filter(namesPeers)
  })
  const paths = [...(await Promise.all(lists)).flat(), LEGACY_RECORD]
  const states = paths.map(async (path): Promise<[string, FileState][]> => {
    const state = await readConsulted(root, path).catch(() => null)
    return state === null ? [] : [[path, state]]
  })
  return new Map((await Promise.all(states)).flat())
}

/** A file that is consulted only; linked to /dev/null, as admins switch one off, it is as good as absent. */
const readConsulted = async (root: string, path: string): Promise<FileState | null> =>
  (await resolveInRoot(root, path)) === join(root, '/dev/null') ? null : readFileState(root, path)

const readFiles = async (root: string): Promise<Map<string, FileState>> => {
  const directories = [FAIL2BAN_DIRECTORY, `${FAIL2BAN_DIRECTORY}/jail.d`, `${FAIL2BAN_DIRECTORY}/fail2ban.d`]
  const listed = directories.map(async (path) =>
    (await listDirectory(root, path)).map((name) => `${path}/${name}`),
  )
  const [names, hostFiles] = await Promise.all([Promise.all(listed), readHostFiles(root)])
  const fail2ban = names.flat().filter(isFail2banConfig)
  const states = await Promise.all(
    [...SYSTEM_FILES, ...fail2ban].map(async (path) => [path, await readConsulted(root, path)] as const),
  )
  return new Map([...hostFiles, ...states.filter((entry): entry is [string, FileState] => entry[1] !== null)])
}

interface Installation {
  readonly installs: readonly PackageVersion[] | null
  readonly stock: ReadonlyMap<string, StockFiles>
  readonly unknown: readonly string[]
  /** See Facts. */
  readonly expected?: string
}

/** What installing the missing packages would bring. */
const foreseeInstallation = async (
  settings: Settings,
  backend: Backend,
  packages: ReadonlyMap<string, string>,
): Promise<Installation> => {
  const missing = requiredPackages(settings, backend, readInit()).filter((name) => !packages.has(name))
  if (missing.length === 0) return { installs: [], stock: new Map(), unknown: [] }
  const simulated = await simulateInstall(missing)
  if ('reason' in simulated) {
    const nothing = { installs: null, stock: new Map() }
    if (await hasPackageLists()) return { ...nothing, unknown: [simulated.reason] }
    const version = await readFileState('/', '/etc/debian_version')
    return { ...nothing, unknown: [], expected: expectRelease(version?.text ?? '').name }
  }
  const { installs } = simulated
  try {
    const wanted = installs.filter(({ name }) => STOCK_PACKAGES.includes(name))
    const stock = await readStockFiles(wanted, isWanted)
    const unforeseen = [...stock.values()].flatMap((files) => files.unforeseen)
    return {
      installs,
      stock,
      unknown: unforeseen.map((path) => `what the packages put into ${path} cannot be foreseen`),
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { installs, stock: new Map(), unknown: [`${error.message}: ${error.hint}`] }
  }
}

const findPortsentry = async (
  root: string,
  packages: ReadonlyMap<string, string>,
  { installs, stock }: Installation,
): Promise<PortsentryPackage | null> => {
  const installed = packages.get('portsentry')
  if (installed !== undefined)
    return { version: installed, files: await readPackageFiles(root, 'portsentry') }
  const candidate = installs?.find(({ name }) => name === 'portsentry')
  if (candidate === undefined) return null
  return { version: candidate.version, files: stock.get('portsentry')?.paths ?? null }
}

/** A history that is taken to be there, since a copy of /etc does not tell. */
const UNSEEN = { mode: 0o600, uid: 0, gid: 0, modifiedMs: 0 }

/** Names of the filters or actions among paths. */
const namesOf = (paths: readonly string[]): Set<string> =>
  new Set(paths.map((path) => path.replace(/^.*\//, '').replace(/\.(?:conf|local|py)$/, '')))

/** Which of these paths others than root could put something at, before the daemon opens it. */
const readInsecure = async (paths: readonly string[]): Promise<Map<string, string>> => {
  const makers = await Promise.all(
    paths.map(async (path) => [path, await findMaker(await resolveInRoot('/', path))] as const),
  )
  return new Map(makers.flatMap(([path, maker]) => (maker === null ? [] : [[path, maker] as const])))
}

/**
 * Everything that a plan is made from. Changes nothing. Throws HostError where a file cannot be read. `release` names that
 * of a copy of /etc; a package that is there knows better.
 */
export const readFacts = async (root: string, settings: Settings, release?: string): Promise<Facts> => {
  const isLive = root === '/'
  const installed = readInstalled(root)
  const read = readFiles(root)
  const banning = isLive ? readBanning(settings, installed, read) : null
  const [packages, files, live, wrapped, actionFiles, filterFiles] = await Promise.all([
    installed,
    read,
    banning === null ? null : readLive(settings, banning),
    readWrapped(root),
    listDirectory(root, `${FAIL2BAN_DIRECTORY}/action.d`),
    listDirectory(root, `${FAIL2BAN_DIRECTORY}/filter.d`),
  ])
  const installation: Installation =
    banning === null
      ? { installs: [], stock: new Map(), unknown: [] }
      : await foreseeInstallation(settings, (await banning).backend, packages)
  const told = await readTold(root, packages, release)
  const isCopy = 'told' in told
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
    portsentry: await findPortsentry(root, packages, installation),
    ...told,
    packages,
    installs: installation.installs,
    files,
    predicted,
    obstacles: new Map(),
    insecure: new Map(),
    actions: namesOf([...actionFiles, ...stockIn('action.d')]),
    filters: namesOf([...filterFiles, ...stockIn('filter.d')]),
    wrapped,
    // A copy of /etc does not tell which logs its server has.
    missingLogs: isCopy ? new Set() : await findMissing(root, namedLogs({ files })),
    unknown: installation.unknown,
    ...(installation.expected === undefined ? {} : { expected: installation.expected }),
    remarks:
      live !== null && !live.asRoot
        ? [
            'not root: the firewall, the jails and bans of fail2ban, whether portsentry watches, which files cannot be written, and whether an earlier apply was interrupted, were not looked at',
          ]
        : [],
  }
  const fitting = findRelease(facts)
  if ('code' in fitting) return facts
  const insecure = isLive
    ? await readInsecure(blockedFileCandidates(settings, facts, fitting))
    : facts.insecure
  // The history counts by being there; it may be large and its content decides nothing.
  const historyPath = findHistory(settings, facts, fitting)
  const history = (await readPortsentryFile(root, historyPath)) ?? (isCopy ? UNSEEN : null)
  const blocked = findBlockedFiles(settings, { ...facts, insecure }, fitting)
  // Only root can look at every one of them.
  if (live === null || live.asRoot) {
    await Promise.all(blocked.map((path) => readPortsentryFile(root, path)))
  }
  const obstacles = live?.asRoot
    ? await readObstacles(root, [...SYSTEM_FILES, JAIL_PATH, SSHD_PATH, historyPath, ...blocked])
    : facts.obstacles
  const withHistory = history === null ? files : new Map([...files, [historyPath, { ...history, text: '' }]])
  return { ...facts, obstacles, insecure, files: withHistory }
}

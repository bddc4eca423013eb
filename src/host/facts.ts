import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { blockedFiles } from '../policy/blocked-file.ts'
import { findHistory } from '../policy/desired.ts'
import type { Facts, FileState, LiveFacts, PackageVersion, PortsentryPackage } from '../policy/facts.ts'
import { findRelease, RELEASES, tellRelease } from '../policy/find-release.ts'
import { FIREWALL_PATHS } from '../policy/firewall.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { requiredPackages } from '../policy/packages.ts'
import type { Settings } from '../settings/settings.ts'
import { readAddresses, readGateways } from './addresses.ts'
import { readBanned, readJails } from './fail2ban.ts'
import { readAttributes, readFileState } from './files.ts'
import { hasOwnPlace, readFirewall, tryTargets } from './firewall.ts'
import { errnoOf, HostError } from './host-error.ts'
import { readNeighbours } from './neighbours.ts'
import { readInstalled, readPackageFiles, simulateInstall } from './packages.ts'
import { findMaker, resolveInRoot } from './paths.ts'
import { readDaemons, readSshClients } from './processes.ts'
import { readEnabled, readInit } from './services.ts'
import { readStockFiles, type StockFiles } from './stock-files.ts'
import { readWrapped } from './wrappers.ts'

/** Every release's files, so that left-overs of another one are seen too, and those that the system shares. */
const SYSTEM_FILES: ReadonlySet<string> = new Set([
  ...RELEASES.flatMap((release) => [
    ...(release.modesPath === null ? [] : [release.modesPath]),
    release.confPath,
    release.ignorePath,
    release.builtIgnorePath,
    ...release.ownedFiles({ tcpMode: '', udpMode: '' }).keys(),
  ]),
  ...FIREWALL_PATHS,
  '/etc/hosts.allow',
  '/etc/hosts.deny',
])

/** The packages whose files a plan has to foresee while they are not installed. */
const STOCK_PACKAGES = ['portsentry', 'fail2ban', 'libwrap0']

const isFail2banConfig = (path: string): boolean =>
  /^\/etc\/fail2ban\/(?:jail\.d\/)?[^/]+\.(?:conf|local)$/.test(path)

const isWanted = (path: string): boolean => SYSTEM_FILES.has(path) || isFail2banConfig(path)

const listDirectory = async (root: string, path: string): Promise<string[]> => {
  const real = await resolveInRoot(root, path)
  try {
    return await readdir(real)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw new HostError(`cannot list ${real}: ${errnoOf(error)}`, 'run portward as root', { cause: error })
  }
}

/** A file that is consulted only; linked to /dev/null, as admins switch one off, it is as good as absent. */
const readConsulted = async (root: string, path: string): Promise<FileState | null> =>
  (await resolveInRoot(root, path)) === join(root, '/dev/null') ? null : readFileState(root, path)

const readFiles = async (root: string): Promise<Map<string, FileState>> => {
  const [main, jails] = await Promise.all([
    listDirectory(root, FAIL2BAN_DIRECTORY),
    listDirectory(root, `${FAIL2BAN_DIRECTORY}/jail.d`),
  ])
  const fail2ban = [
    ...main.map((name) => `${FAIL2BAN_DIRECTORY}/${name}`),
    ...jails.map((name) => `${FAIL2BAN_DIRECTORY}/jail.d/${name}`),
  ].filter(isFail2banConfig)
  const states = await Promise.all(
    [...SYSTEM_FILES, ...fail2ban].map(async (path) => [path, await readConsulted(root, path)] as const),
  )
  return new Map(states.filter((entry): entry is [string, FileState] => entry[1] !== null))
}

const readLive = async (
  settings: Settings,
  installed: Promise<ReadonlyMap<string, string>>,
): Promise<LiveFacts> => {
  const asRoot = process.getuid?.() === 0
  const init = readInit()
  const wanted = settings.banTarget === 'auto' ? 'CHAOS' : settings.banTarget
  const usesTarget = settings.banBackend === 'iptables' && wanted !== 'DROP'
  const [
    own,
    gateways,
    sshClients,
    neighbours,
    daemons,
    enabled,
    firewall,
    hasPlace,
    targets,
    jails,
    banned,
  ] = await Promise.all([
    readAddresses(),
    readGateways(),
    readSshClients(),
    installed.then(readNeighbours),
    readDaemons(),
    readEnabled(init),
    asRoot ? readFirewall() : { bans: null, inputPolicy: null },
    asRoot ? hasOwnPlace(init) : null,
    usesTarget ? tryTargets([wanted], asRoot) : new Map(),
    asRoot ? readJails() : null,
    asRoot ? readBanned('portsentry') : [],
  ])
  return {
    asRoot,
    init,
    ...own,
    gateways,
    sshClients,
    neighbours,
    daemons,
    enabled,
    ...firewall,
    hasPlace,
    targets,
    jails,
    banned,
  }
}

interface Installation {
  readonly installs: readonly PackageVersion[] | null
  readonly stock: ReadonlyMap<string, StockFiles>
  readonly unknown: readonly string[]
}

/** What installing the missing packages would bring. */
const foreseeInstallation = async (
  settings: Settings,
  packages: ReadonlyMap<string, string>,
): Promise<Installation> => {
  const missing = requiredPackages(settings, readInit()).filter((name) => !packages.has(name))
  if (missing.length === 0) return { installs: [], stock: new Map(), unknown: [] }
  const simulated = await simulateInstall(missing)
  if ('reason' in simulated) return { installs: null, stock: new Map(), unknown: [simulated.reason] }
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

const PORTSENTRY_CONF = '/etc/portsentry/portsentry.conf'

/** The release that a tree without dpkg's status shows by its /etc: see `told` of Facts. */
const readTold = async (
  root: string,
  files: ReadonlyMap<string, FileState>,
  release: string | undefined,
): Promise<Pick<Facts, 'told'>> => {
  const conf = files.get(PORTSENTRY_CONF)?.text
  if (conf === undefined) return {}
  if (release !== undefined) return { told: release }
  const [version, scripts, rotations, units] = await Promise.all([
    readFileState(root, '/etc/debian_version'),
    listDirectory(root, '/etc/init.d'),
    listDirectory(root, '/etc/logrotate.d'),
    listDirectory(root, '/etc/systemd/system/multi-user.target.wants'),
  ])
  const found = tellRelease({
    conf,
    debianVersion: version?.text ?? '',
    hasInitScript: scripts.includes('portsentry'),
    hasLogRotation: rotations.includes('portsentry'),
    hasTemplateUnit: units.some((unit) => unit.startsWith('portsentry@')),
  })
  return { told: found?.name ?? null }
}

/** A history that is taken to be there, since a copy of /etc does not tell. */
const UNSEEN = { mode: 0o600, uid: 0, gid: 0, modifiedMs: 0 }

/** A copy of /etc says nothing of the logs: those that fail2ban's files name are taken to be there. */
const namedLogs = (files: ReadonlyMap<string, FileState>): string[] =>
  [...files]
    .filter(([path]) => isFail2banConfig(path))
    .flatMap(([, { text }]) => [...text.matchAll(/\/var\/log\/([^/\s]+)/g)])
    .map(([, name = '']) => name)

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
  const [packages, files, live, logs, wrapped, actionFiles] = await Promise.all([
    installed,
    readFiles(root),
    isLive ? readLive(settings, installed) : null,
    listDirectory(root, '/var/log'),
    readWrapped(root),
    listDirectory(root, `${FAIL2BAN_DIRECTORY}/action.d`),
  ])
  const installation: Installation = isLive
    ? await foreseeInstallation(settings, packages)
    : { installs: [], stock: new Map(), unknown: [] }
  const told = !isLive && packages.size === 0 ? await readTold(root, files, release) : {}
  const isCopy = 'told' in told
  const predicted = new Set<string>()
  for (const [path, state] of [...installation.stock.values()].flatMap((stock) => [...stock.files])) {
    if (files.has(path)) continue
    files.set(path, state)
    predicted.add(path)
  }
  const actionPaths = [...installation.stock.values()].flatMap(({ paths }) => paths)
  const actions = [
    ...actionFiles,
    ...actionPaths.filter((path) => path.startsWith(`${FAIL2BAN_DIRECTORY}/action.d/`)),
  ]
  const facts: Facts = {
    root,
    live,
    portsentry: await findPortsentry(root, packages, installation),
    ...told,
    packages,
    installs: installation.installs,
    files,
    predicted,
    insecure: new Map(),
    actions: new Set(actions.map((path) => path.replace(/^.*\//, '').replace(/\.(?:conf|local|py)$/, ''))),
    wrapped,
    logs: new Set(isCopy ? [...logs, ...namedLogs(files)] : logs),
    unknown: installation.unknown,
    remarks:
      live !== null && !live.asRoot
        ? ['not root: bans in the firewall and in fail2ban were not looked at']
        : [],
  }
  const fitting = findRelease(facts)
  if ('code' in fitting) return facts
  const insecure = isLive ? await readInsecure(blockedFiles(settings, facts, fitting)) : facts.insecure
  // The history counts by being there; it may be large and its content decides nothing.
  const historyPath = findHistory(settings, facts, fitting)
  const history = (await readAttributes(root, historyPath)) ?? (isCopy ? UNSEEN : null)
  const withHistory = history === null ? files : new Map([...files, [historyPath, { ...history, text: '' }]])
  return { ...facts, insecure, files: withHistory }
}

import { isBanSetLoaded } from '../bans/ban-set.ts'
import { findDaemons, PORTSENTRY_TABLES } from '../facts/daemons.ts'
import { readJailBans, readJails } from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { readFirewallObstacle, tryTargets } from '../facts/firewall-support.ts'
import { ownNetworks, readInterfaces, readRouteTables } from '../facts/ip.ts'
import { readProcesses, readSockets } from '../facts/procfs.ts'
import { readResolvers } from '../facts/resolv-conf.ts'
import { readSshClients } from '../facts/ssh.ts'
import type { Backend, BanSet } from '../policy/backends/definition.ts'
import { BANS_CONF, banSetOf, chooseBackend } from '../policy/ban-set.ts'
import type { FileState, LiveFacts } from '../policy/facts.ts'
import { modesOf } from '../policy/release.ts'
import type { Settings } from '../settings/settings.ts'
import { readUnits } from './confinement.ts'
import { readNeighbours } from './neighbours.ts'
import { readReloaded } from './reload.ts'
import { readEnabled, readInit } from './services.ts'

/** Units in which the daemons may run, of any release. */
const unitsOf = (settings: Settings): string[] => [
  'fail2ban',
  'portsentry',
  ...modesOf(settings).map((mode) => `portsentry@${mode}`),
]

/** What bans are to be made with, and what they are made with now. */
export interface Banning {
  readonly neighbours: LiveFacts['neighbours']
  readonly backend: Backend
  readonly present: BanSet | null
}

export const readBanning = async (
  settings: Settings,
  installed: Promise<ReadonlyMap<string, string>>,
  read: Promise<{ readonly files: ReadonlyMap<string, FileState> }>,
): Promise<Banning> => {
  const [packages, { files }] = await Promise.all([installed, read])
  const neighbours = await readNeighbours(packages)
  const { backend } = chooseBackend(settings, { files, packages, live: { neighbours } })
  return { neighbours, backend, present: banSetOf(files.get(BANS_CONF)?.text) }
}

/** What only the running server tells. All but what `banning` waits for is read beside its files. */
export const readLive = async (settings: Settings, banning: Promise<Banning>): Promise<LiveFacts> => {
  const asRoot = process.getuid?.() === 0
  const init = readInit()
  const isBanning = settings.banBackend !== 'none'
  const wanted = settings.banTarget === 'auto' ? 'CHAOS' : settings.banTarget
  const readTargets = async (): Promise<LiveFacts['targets']> => {
    const { backend } = await banning
    return isBanning && backend === 'ipset' && wanted !== 'DROP' ? tryTargets([wanted], asRoot) : new Map()
  }
  const processes = readProcesses()
  const sockets = readSockets(PORTSENTRY_TABLES)
  const [
    interfaces,
    routes,
    resolvers,
    sshClients,
    { neighbours },
    daemons,
    enabled,
    units,
    firewall,
    hasBanSet,
    targets,
    fail2ban,
    reloadedMs,
    firewallObstacle,
  ] = await Promise.all([
    readInterfaces(),
    readRouteTables(),
    readResolvers(),
    Promise.all([processes, sockets]).then(([all, open]) => readSshClients(all, open)),
    banning,
    processes.then((all) => findDaemons(all, () => sockets)),
    readEnabled(init),
    init === 'systemd' ? readUnits(unitsOf(settings)) : new Map(),
    asRoot ? readFirewallBans() : { bans: null, inputPolicy: null, bansUnread: null },
    asRoot ? banning.then(({ present }) => present !== null && isBanSetLoaded(present, init)) : null,
    readTargets(),
    asRoot
      ? readJails().then(async (jails) => ({ jails, jailed: await readJailBans(jails) }))
      : { jails: null, jailed: null },
    readReloaded(),
    asRoot && isBanning ? banning.then(({ backend }) => readFirewallObstacle(backend)) : null,
  ])
  return {
    asRoot,
    init,
    ...ownNetworks(interfaces, routes),
    sockets: await sockets,
    resolvers,
    sshClients,
    neighbours,
    daemons,
    enabled,
    units,
    ...firewall,
    hasBanSet,
    targets,
    ...fail2ban,
    reloadedMs,
    firewallObstacle,
  }
}

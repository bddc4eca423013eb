import { isBanSetLoaded } from '../bans/ban-set.ts'
import { readJailBans, readJails } from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { readFirewallObstacle, tryTargets } from '../facts/firewall-support.ts'
import type { Backend, BanSet } from '../policy/backends/definition.ts'
import { BANS_CONF, banSetOf, chooseBackend } from '../policy/ban-set.ts'
import type { FileState, LiveFacts } from '../policy/facts.ts'
import { modesOf } from '../policy/release.ts'
import type { Settings } from '../settings/settings.ts'
import { readOwnNetworks, readResolvers } from './addresses.ts'
import { readUnits } from './confinement.ts'
import { readNeighbours } from './neighbours.ts'
import { readDaemons, readSshClients } from './processes.ts'
import { readReread } from './reload.ts'
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
  const [
    own,
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
    reread,
    firewallObstacle,
  ] = await Promise.all([
    readOwnNetworks(),
    readResolvers(),
    readSshClients(),
    banning,
    readDaemons(),
    readEnabled(init),
    init === 'systemd' ? readUnits(unitsOf(settings)) : new Map(),
    asRoot ? readFirewallBans() : { bans: null, inputPolicy: null, bansUnread: null },
    asRoot ? banning.then(({ present }) => present !== null && isBanSetLoaded(present, init)) : null,
    readTargets(),
    asRoot
      ? readJails().then(async (jails) => ({ jails, jailed: await readJailBans(jails) }))
      : { jails: null, jailed: null },
    readReread(),
    asRoot && isBanning ? banning.then(({ backend }) => readFirewallObstacle(backend)) : null,
  ])
  return {
    asRoot,
    init,
    ...own,
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
    reread,
    firewallObstacle,
  }
}

import { readConfiguration } from '../detector/configuration.ts'
import type { Mode } from '../detector/decision.ts'
import { daemonModes, isBehindFirewall, isConnectMode } from '../detector/modes.ts'
import { watchPorts } from '../detector/ports.ts'
import { sampleLine } from '../detector/samples.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { askFail2ban } from '../facts/fail2ban-config.ts'
import { localTime } from '../host/clock.ts'
import { readConfinement, readOwnMounts } from '../host/confinement.ts'
import { readDevices, readOutside } from '../host/devices.ts'
import { readRules } from '../host/lab/firewall-copy.ts'
import { runLab } from '../host/lab/laboratory.ts'
import { withoutBanned } from '../host/lab/own-records.ts'
import { readRoom } from '../host/room.ts'
import { readSocketInodes } from '../host/socket-inodes.ts'
import { readBoundSockets } from '../host/sockets-in-use.ts'
import { parseAddress } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { wantedUnits } from '../plan/services.ts'
import { findUnwritable } from '../plan/unwritable.ts'
import { confinementOf } from '../policy/confinement.ts'
import { serviceOf } from '../policy/daemons.ts'
import type { Desired } from '../policy/desired.ts'
import { type DaemonProcess, type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { enabledJails } from '../policy/fail2ban-view.ts'
import { FAIL2BAN_DIRECTORY, JAIL_PATH, viewWith } from '../policy/jail.ts'
import type { Problem } from '../problem.ts'
import { type Check, checkFor } from './check.ts'
import { checkConfiguration } from './configuration-checks.ts'
import { judgeLab } from './judge-lab.ts'
import { planLab, type Surroundings, type Watched } from './lab-plan.ts'
import type { Expectation } from './lab-view.ts'
import { checkNetworks } from './networks-check.ts'
import { type Confined, checkConfinement, checkRoom, foreignCommand } from './room-checks.ts'
import { checkRunning } from './running-checks.ts'

/** A line of this portsentry's history, about an address that nobody has (RFC 5737). */
const sampleOf = ({ release }: Desired): string => {
  const now = Date.now()
  return sampleLine(release.dialect, parseAddress('192.0.2.1') ?? [], now, localTime(now)).trimEnd()
}

/** A portsentry that listens by itself has the very ports that it watches: they are no service's. */
const readSurroundings = async (daemons: readonly DaemonProcess[]): Promise<Surroundings> => {
  const pids = daemons.filter((daemon) => serviceOf(daemon) === 'portsentry').map(({ pid }) => pid)
  const [devices, outside, bound, inodes, firewall] = await Promise.all([
    readDevices(),
    readOutside(),
    readBoundSockets(),
    Promise.all(pids.map(readSocketInodes)),
    readRules(),
  ])
  const watching = new Set(inodes.flatMap((found) => found ?? []))
  const sockets = bound.filter(({ inode }) => !watching.has(inode))
  const reachable = sockets.filter(({ protocol, isLoopback }) => protocol === 'tcp' && !isLoopback)
  return {
    devices: devices.filter(({ addresses }) => addresses.length > 0),
    interfaces: devices.map(({ name }) => name),
    outside,
    inUse: [...new Set(sockets.map(({ protocol, port }) => `${protocol} ${port}`))],
    reachable: [...new Set(reachable.map(({ port }) => port))].sort((a, b) => a - b),
    firewall: withoutBanned(firewall),
  }
}

interface Read {
  readonly watched: Watched
  readonly expectation: Expectation
}

/** What the daemons of these modes take from portsentry.conf, as it stands. */
const readWatched = (
  desired: Desired,
  facts: Facts,
  modes: readonly Mode[],
  inUse: readonly string[],
): Read => {
  const { confPath, dialect, builtIgnorePath } = desired.release
  const conf = parsePortsentryConf(fileText(facts, confPath) ?? '', dialect)
  const configurations = modes.map((mode) => readConfiguration(conf, mode, confPath).configuration)
  const taken = new Set(inUse)
  const portsOf = (protocol: 'tcp' | 'udp'): number[] =>
    configurations.flatMap(({ mode, ports }) => {
      const rule = ports.get(protocol)
      if (rule === undefined) return []
      const reading = isConnectMode(mode) ? 'connections' : dialect === '1.2' ? 'raw' : 'pcap'
      const isTaken = (port: number) => taken.has(`${protocol} ${port}`)
      const watched = watchPorts(rule, reading, isTaken)
      return [...watched.keys()].filter((port) => port > 0 && watched[port] !== -1 && !isTaken(port))
    })
  const [first] = configurations
  return {
    watched: { tcp: portsOf('tcp'), udp: portsOf('udp'), trigger: first?.scanTrigger ?? 0 },
    expectation: {
      block: first?.block ?? { tcp: 0, udp: 0 },
      hasKillRoute: (first?.killRoute ?? '') !== '',
      hasHostsDeny: (first?.killHostsDeny ?? '') !== '',
      writesDenied: desired.writesDenied,
      jailBans: desired.jails.get('portsentry')?.get('enabled') === 'true',
      confPath,
      ignorePath: builtIgnorePath,
      jailPath: JAIL_PATH,
      cannotDeny: desired.writesDenied ? null : (facts.obstacles.get('/etc/hosts.deny')?.append ?? null),
      hostsAllow: parseHostsAccess(fileText(facts, '/etc/hosts.allow') ?? ''),
      protectedNetworks: desired.protectedNetworks,
      isBehindFirewall: modes.some(isBehindFirewall),
    },
  }
}

const checkInLab = async (
  desired: Desired,
  facts: Facts,
  daemons: readonly DaemonProcess[],
): Promise<Check[]> => {
  const surroundings = await readSurroundings(daemons)
  const modes = daemonModes(desired.release, desired.modes)
  const { watched, expectation } = readWatched(desired, facts, modes, surroundings.inUse)
  const otherJails = enabledJails(viewWith(facts)).filter((jail) => jail !== 'portsentry')
  const specification = planLab(desired, modes, watched, surroundings, otherJails)
  const outcome = await runLab(specification)
  if ('report' in outcome) return judgeLab(specification, outcome.report, expectation)
  const check = checkFor('lab', 'a copy of this server in a network of its own')
  if ('unfinished' in outcome) {
    return [
      check.skip(
        `not proven: ${outcome.unfinished}; nothing is known about whether a scanner is banned`,
        outcome.hint,
      ),
    ]
  }
  return [
    check.skip(
      `it cannot be built: ${outcome.impossible}; no scan was tried, no command of portsentry.conf run`,
      outcome.hint,
    ),
  ]
}

/** Which unit a daemon runs in. */
const unitOf = ({ args }: DaemonProcess, units: readonly string[]): string =>
  units.find((unit) => args.some((arg) => unit.endsWith(`@${arg.replace(/^-/, '')}`))) ?? units[0] ?? ''

/** Whether what is installed could ban right now: room, and the rights of the daemons. */
const checkRoomAndRights = async (desired: Desired, facts: Facts, live: LiveFacts): Promise<Check[]> => {
  const { writes } = desired
  const daemons = live.daemons.map(async (daemon): Promise<Confined> => {
    const service = serviceOf(daemon) ?? 'portsentry'
    const unit = service === 'fail2ban' ? service : unitOf(daemon, wantedUnits(desired, live))
    const texts = live.asRoot ? await readConfinement(daemon.pid) : null
    return {
      service,
      unit,
      confinement: texts === null ? null : confinementOf(texts, live.units.get(unit) ?? new Map()),
    }
  })
  const [rooms, own, confined] = await Promise.all([
    live.asRoot ? readRoom(writes) : null,
    readOwnMounts(),
    Promise.all(daemons),
  ])
  return [
    checkRoom(rooms, findUnwritable(desired, facts)),
    ...(['portsentry', 'fail2ban'] as const).map((service) =>
      checkConfinement(service, confined, own, desired, foreignCommand(service, desired)),
    ),
  ]
}

/**
 * Everything that can be known about whether this server bans scanners and spares the LAN, without touching its live
 * state. For a tree, what its files tell.
 */
export const verify = async (
  desired: Desired,
  facts: Facts,
  plan: Plan | null,
  problems: readonly Problem[],
): Promise<Check[]> => {
  const check = checkFor('installed', 'portsentry and fail2ban are installed')
  const missing = ['portsentry', 'fail2ban'].filter((name) => !facts.packages.has(name))
  const isCopy = facts.told !== undefined
  if (missing.length > 0 && !isCopy) {
    return [check.fail(`${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not`, 'portward apply')]
  }
  const unknown = isCopy ? [check.skip('the tree has no /var/lib/dpkg/status')] : []
  const { live } = facts
  const networks = live === null ? [] : [checkNetworks(desired, live.topology, problems)]
  const configuration = [
    ...unknown,
    ...checkConfiguration(desired, facts, plan, problems, networks),
    ...networks,
  ]
  if (live === null) return configuration
  const [asked, rights, lab] = await Promise.all([
    askFail2ban(`${FAIL2BAN_DIRECTORY}/filter.d/${desired.release.filter}`, sampleOf(desired)),
    checkRoomAndRights(desired, facts, live),
    checkInLab(desired, facts, live.daemons),
  ])
  return [...configuration, ...checkRunning(desired, facts, live, asked), ...rights, ...lab]
}

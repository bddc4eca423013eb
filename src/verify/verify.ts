import { readConfiguration } from '../detector/configuration.ts'
import type { Mode } from '../detector/decision.ts'
import { isBehindFirewall, isConnectMode } from '../detector/modes.ts'
import { watchPorts } from '../detector/ports.ts'
import { sampleLine } from '../detector/samples.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { readConfinement, readOwnMounts } from '../facts/confinement.ts'
import type { DaemonProcess } from '../facts/daemons.ts'
import { askFail2ban } from '../facts/fail2ban-config.ts'
import { readHealthRecord } from '../facts/name-health.ts'
import { boundSockets, isOnLoopback } from '../facts/procfs.ts'
import { formatCidr, parseAddress } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { wantedUnits } from '../plan/services.ts'
import { findUnwritable } from '../plan/unwritable.ts'
import { confinementOf } from '../policy/confinement.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { enabledJails } from '../policy/fail2ban-view.ts'
import { FAIL2BAN_DIRECTORY, isJailWanted, JAIL_PATH, viewWith } from '../policy/jail.ts'
import { healthOf } from '../policy/name-health.ts'
import { daemonModes } from '../policy/release.ts'
import type { Problem } from '../problem.ts'
import { localTime } from '../system/clock.ts'
import { type Check, checkFor } from './check.ts'
import { checkConfiguration } from './configuration-checks.ts'
import { judgeLab } from './judge-lab.ts'
import { readRules } from './lab/firewall-copy.ts'
import type { Lab } from './lab/laboratory.ts'
import { withoutBanned } from './lab/own-records.ts'
import { planLab, type Surroundings, type Watched } from './lab-plan.ts'
import type { Expectation } from './lab-view.ts'
import { checkNames } from './names-check.ts'
import { checkNetworks } from './networks-check.ts'
import { checkRunning } from './running-checks.ts'
import { readWriteAccess } from './write-access.ts'
import { type Confined, checkConfinement, checkWritable, foreignCommand } from './write-checks.ts'

/** A line of this portsentry's history, with an address for documentation (RFC 5737). */
const sampleOf = ({ release }: Desired): string => {
  const now = Date.now()
  return sampleLine(release.dialect, parseAddress('192.0.2.1') ?? [], now, localTime(now)).trimEnd()
}

/** The ports that a portsentry in connect mode has bound itself are not counted as services. */
const readSurroundings = async ({
  interfaces,
  outside,
  sockets,
  daemons,
  savedFirewall,
}: LiveFacts): Promise<Surroundings> => {
  const watching = new Set(daemons.flatMap(({ liveness }) => liveness?.sockets ?? []))
  const bound = boundSockets(sockets).filter((socket) => !watching.has(socket))
  const reachable = bound.filter((socket) => socket.table === 'tcp' && !isOnLoopback(socket))
  const devices = interfaces.map(({ name, allAddresses }) => ({
    name,
    addresses: allAddresses.map(formatCidr),
  }))
  return {
    devices: devices.filter(({ addresses }) => addresses.length > 0),
    interfaces: devices.map(({ name }) => name),
    outside,
    inUse: [...new Set(bound.map(({ table, number }) => `${table} ${number}`))],
    reachable: [...new Set(reachable.map(({ number }) => number))].sort((a, b) => a - b),
    firewall: withoutBanned(await readRules(savedFirewall)),
  }
}

interface Read {
  readonly watched: Watched
  readonly expectation: Expectation
}

/** What the daemons of these modes read from the present portsentry.conf. */
const readWatched = (
  desired: Desired,
  facts: Facts,
  modes: readonly Mode[],
  inUse: readonly string[],
): Read => {
  const { confPath, dialect, builtIgnorePath } = desired.release
  const conf = parsePortsentryConf(fileText(facts, confPath) ?? '', dialect)
  const configurations = modes.map((mode) => readConfiguration(conf, mode))
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
      jailBans: isJailWanted(desired),
      confPath,
      ignorePath: builtIgnorePath,
      jailPath: JAIL_PATH,
      hostsDenyObstacle: desired.writesDenied
        ? null
        : (facts.obstacles.get('/etc/hosts.deny')?.append ?? null),
      hostsAllow: parseHostsAccess(fileText(facts, '/etc/hosts.allow') ?? ''),
      protectedNetworks: desired.protectedNetworks,
      isBehindFirewall: modes.some(isBehindFirewall),
    },
  }
}

const checkInLab = async (desired: Desired, facts: Facts, live: LiveFacts, lab: Lab): Promise<Check[]> => {
  const surroundings = await readSurroundings(live)
  const modes = daemonModes(desired.release, desired.modes)
  const { watched, expectation } = readWatched(desired, facts, modes, surroundings.inUse)
  const otherJails = enabledJails(viewWith(facts)).filter((jail) => jail !== 'portsentry')
  const specification = planLab(desired, modes, watched, surroundings, otherJails)
  const outcome = await lab.run(specification)
  return 'report' in outcome
    ? judgeLab(specification, outcome.report, expectation)
    : [checkFor('lab').skip(outcome.failure, outcome.hint)]
}

/** The unit that a daemon runs in. */
const unitOf = ({ args }: DaemonProcess, units: readonly string[]): string =>
  units.find((unit) => args.some((arg) => unit.endsWith(`@${arg.replace(/^-/, '')}`))) ?? units[0] ?? ''

/** Whether the daemons can write everything that a ban requires: the files, and the rights of their units. */
const checkWriting = async (desired: Desired, facts: Facts, live: LiveFacts): Promise<Check[]> => {
  const { writes } = desired
  const daemons = live.daemons.map(async (daemon): Promise<Confined> => {
    const { service } = daemon
    const unit = service === 'fail2ban' ? service : unitOf(daemon, wantedUnits(desired, live))
    const texts = live.asRoot ? await readConfinement(daemon.pid) : null
    return {
      service,
      unit,
      confinement: texts === null ? null : confinementOf(texts, live.units.get(unit) ?? new Map()),
    }
  })
  const [access, own, confined] = await Promise.all([
    live.asRoot ? readWriteAccess(writes) : null,
    readOwnMounts(),
    Promise.all(daemons),
  ])
  return [
    checkWritable(access, findUnwritable(desired, facts)),
    ...(['portsentry', 'fail2ban'] as const).map((service) =>
      checkConfinement(service, confined, own, desired, foreignCommand(service, desired)),
    ),
  ]
}

/** The parts of the proof that are reported as they come. */
type Part = 'configuration' | 'running daemons' | 'rights to write' | 'scans in a copy of this server'

/** Does one part of the proof, and reports it. */
export type Reporting = (part: Part, work: () => Promise<Check[]>) => Promise<Check[]>

/**
 * All checks whether this server bans scanners and never the LAN, without touching its live state. For a tree, the checks of
 * its files. `lab`: null for a tree.
 */
export const verify = async (
  desired: Desired,
  facts: Facts,
  plan: Plan | null,
  problems: readonly Problem[],
  lab: Lab | null,
  reporting: Reporting,
): Promise<Check[]> => {
  const check = checkFor('installed')
  const missing = ['portsentry', 'fail2ban'].filter((name) => !facts.packages.has(name))
  const isCopy = facts.inferredRelease !== undefined
  if (missing.length > 0 && !isCopy) {
    return [
      check.fail(
        `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not installed`,
        'portward apply',
      ),
    ]
  }
  const unknown = isCopy ? [check.skip('the tree has no /var/lib/dpkg/status')] : []
  const { live } = facts
  const found = live === null || desired.named.hosts.length === 0 ? null : await readHealthRecord()
  const health = healthOf(found, facts)
  const networks = live === null ? [] : [checkNetworks(desired, live.topology, problems)]
  const configuration = await reporting('configuration', async () => [
    ...unknown,
    ...checkConfiguration(desired, facts, plan, problems, networks),
    ...networks,
    ...checkNames(desired.named, health, live !== null, Date.now()),
  ])
  if (live === null || lab === null) return configuration
  const others = await Promise.all([
    reporting('running daemons', async () => {
      const filter = `${FAIL2BAN_DIRECTORY}/filter.d/${desired.release.filter}`
      return checkRunning(desired, facts, live, await askFail2ban(filter, sampleOf(desired)), Date.now())
    }),
    reporting('rights to write', () => checkWriting(desired, facts, live)),
    reporting('scans in a copy of this server', () => checkInLab(desired, facts, live, lab)),
  ])
  return [...configuration, ...others.flat()]
}

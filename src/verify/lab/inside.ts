import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../detector/decision.ts'
import { isBehindFirewall } from '../../detector/modes.ts'
import { samplePacket } from '../../detector/samples.ts'
import { parseAddress } from '../../network.ts'
import { RELEASES } from '../../policy/find-release.ts'
import { HostError } from '../../system/host-error.ts'
import { type Detection, startDetection } from './detection.ts'
import { countedDrops, readCounters, readDecisions, restoreRules } from './firewall-copy.ts'
import { startGreeters } from './greeters.ts'
import { readJailLog, startFail2ban, watchJail } from './jail.ts'
import { emptyRecords } from './own-records.ts'
import type { EventReport, HostReport, LabReport } from './report.ts'
import type { LabHost, LabSpecification } from './specification.ts'
import { createTopology, sendProbes, tryConnects } from './topology.ts'
import { parseDrops, startTrace } from './trace.ts'
import { POLL_MS, waitUntil } from './wait-until.ts'
import { areDenied, judgeAccess } from './wrappers.ts'

/** Far more than needed if everything works; if a scan is not noticed, this is how long it is waited for. */
const NOTICE_TIMEOUT_MS = 3000
/** How long a busy machine may take to record the packets. */
const BEHIND_TIMEOUT_MS = 60_000
/** How long fail2ban may take to start the action of a ban. */
const ACTION_TIMEOUT_MS = 3000
/** fail2ban itself ends an action after a minute, and logs an error. */
const ACTION_END_MS = 75_000
/** Timeout of a connection: on a veth pair an answer takes less than a millisecond. */
const TIMEOUT_SECONDS = 0.4
/** The same if an answer is expected, which may be late on a busy machine. */
const LONG_TIMEOUT_SECONDS = 3

const byDevice = (hosts: readonly LabHost[]): Map<string, LabHost[]> => {
  const groups = new Map<string, LabHost[]>()
  for (const host of hosts) groups.set(host.device, [...(groups.get(host.device) ?? []), host])
  return groups
}

/** By host name, the ports that greet the host. */
type Reached = ReadonlyMap<string, readonly number[]>

/** Which of the ports each host gets an answer from. */
const reachAll = async (
  hosts: readonly LabHost[],
  ports: readonly number[],
  timeoutSeconds = TIMEOUT_SECONDS,
): Promise<Reached> => {
  const groups = [...byDevice(hosts)].map(async ([device, group]) => {
    const attempts = group.flatMap(({ address: source, destination }) =>
      ports.map((port) => ({ source, destination, port })),
    )
    const answers = await tryConnects(device, attempts, timeoutSeconds)
    return group.map(
      ({ name }, index) => [name, ports.filter((_, at) => answers[index * ports.length + at])] as const,
    )
  })
  return new Map((await Promise.all(groups)).flat())
}

const sendAll = async (hosts: readonly LabHost[]): Promise<void> => {
  await Promise.all(
    [...byDevice(hosts)].map(([device, group]) =>
      sendProbes(
        device,
        group.flatMap(({ address: source, destination, probes }) =>
          probes.map(({ kind, port }) => ({ kind, source, destination, port })),
        ),
      ),
    ),
  )
}

const eventOf = ({ decision: { verdict, ignoredByLine }, outcomes, blocked }: Outcome): EventReport => ({
  verdict,
  ignoredByLine,
  outcomes,
  blocked,
})

const mentions = (address: string): RegExp =>
  new RegExp(`(?<![0-9a-fA-F.:])${address.replaceAll('.', '\\.')}(?![0-9a-fA-F:]|\\.\\d)`)

/** Hosts whose scans were noticed. Packets to ports of services are not scans: the lab itself connects to those. */
const hostsNoticed = (outcomes: readonly Outcome[]): Set<string> =>
  new Set(outcomes.flatMap(({ decision: { host, verdict } }) => (verdict === 'in-use' ? [] : [host])))

/** Waits until each scanning host was noticed, or until the timeout. Returns the hosts that were. */
const waitForEvents = async (
  hosts: readonly LabHost[],
  { outcomes, idle, isBehind }: Detection,
  from: number,
): Promise<Set<string>> => {
  const expected = hosts.filter(({ probes }) => probes.length > 0).map(({ address }) => address)
  const isNoticed = () => {
    const noticed = hostsNoticed(outcomes.slice(from))
    return expected.every((address) => noticed.has(address))
  }
  if (!(await waitUntil(isNoticed, NOTICE_TIMEOUT_MS)))
    await waitUntil(async () => isNoticed() || !(await isBehind()), BEHIND_TIMEOUT_MS)
  // What the recorder has written arrives in the next turns of the event loop.
  await sleep(POLL_MS)
  await idle()
  return hostsNoticed(outcomes.slice(from))
}

/** For hosts that were not noticed: what would have been done if their packets had arrived? */
const injectProbes = async (hosts: readonly LabHost[], { inject, idle }: Detection): Promise<void> => {
  const timeMs = Date.now()
  for (const { address, destination, probes } of hosts) {
    const ends = { source: parseAddress(address) ?? [], destination: parseAddress(destination) ?? [] }
    for (const { kind, port } of probes) {
      inject(samplePacket({ ...ends, timeMs, protocol: kind === 'udp' ? 'udp' : 'tcp', port }))
    }
  }
  await idle()
}

/**
 * fail2ban lists a host as banned before it has run the action: this waits for the action. Returns whether it was still
 * running at the end.
 */
const reachBanned = async (
  hosts: readonly LabHost[],
  ports: readonly number[],
  isActing: () => Promise<boolean>,
): Promise<{ reached: Reached; isPending: boolean }> => {
  let reached: Reached = new Map()
  const isCutOff = async () => {
    reached = await reachAll(hosts, ports)
    return [...reached.values()].every((open) => open.length === 0)
  }
  if (await waitUntil(isCutOff, ACTION_TIMEOUT_MS)) return { reached, isPending: false }
  const isOver = await waitUntil(async () => !(await isActing()), ACTION_END_MS)
  await isCutOff()
  return { reached, isPending: !isOver }
}

/** Tries hosts again that got an answer before, but not now: on a busy machine an answer may be late. */
const reachAgain = async (
  hosts: readonly LabHost[],
  ports: readonly number[],
  before: Reached,
  after: Map<string, readonly number[]>,
): Promise<void> => {
  const isClosed = ({ name }: LabHost) =>
    before.get(name)?.some((port) => !after.get(name)?.includes(port)) === true
  await waitUntil(async () => {
    for (const [name, reached] of await reachAll(hosts.filter(isClosed), ports, LONG_TIMEOUT_SECONDS))
      after.set(name, reached)
    return !hosts.some(isClosed)
  }, ACTION_TIMEOUT_MS)
}

/** Everything that happens in the lab, in order. Runs inside of its sandbox. Throws HostError if the lab cannot be built. */
export const runInside = async (specification: LabSpecification): Promise<LabReport> => {
  const release = RELEASES.find(({ name }) => name === specification.release)
  if (release === undefined)
    throw new HostError('no such release', 'this command is called by portward verify')
  const { hasIPv6 } = await createTopology(
    specification.devices,
    specification.hosts,
    specification.outside,
    specification.otherDevices,
  )
  const hosts = specification.hosts.filter(({ address }) => hasIPv6 || !address.includes(':'))
  const gaps = [...(hasIPv6 ? [] : ['IPv6']), ...(await restoreRules(specification.firewall))]
  await emptyRecords(specification.historyPath)
  const starting = startFail2ban(specification.otherJails)

  const greeters = await startGreeters(specification.openPorts)
  const detection = await startDetection(specification, release)
  const before = await reachAll(hosts, greeters.ports)
  const known = new Set(await readDecisions())
  const atFirst = await readCounters()
  await detection.idle()
  const first = detection.outcomes.length
  // A firewall cannot hide a scan from a daemon that reads the wire.
  const stopTrace = specification.modes.some(isBehindFirewall)
    ? await startTrace(() => reachAll(hosts.slice(0, 1), greeters.ports.slice(0, 1), 0))
    : async () => ''
  await sendAll(hosts)
  const noticed = await waitForEvents(hosts, detection, first)
  const scannedBy = await readCounters()
  const trace = await stopTrace()
  const counted = (['iptables', 'ip6tables'] as const).flatMap((program, index) =>
    countedDrops(program, atFirst[index] ?? '', scannedBy[index] ?? ''),
  )
  await injectProbes(
    hosts.filter(({ address }) => !noticed.has(address)),
    detection,
  )
  const scanned = hosts.filter(({ role }) => role !== 'logged')
  const after = new Map(await reachAll(scanned, greeters.ports))
  const acted = new Set(
    detection.outcomes.flatMap(({ decision, outcomes }) => (outcomes.length > 0 ? [decision.host] : [])),
  )
  const left = scanned.filter(({ role, address }) => role === 'allowlisted' || !acted.has(address))
  await reachAgain(left, greeters.ports, before, after)
  const rules = await readDecisions()

  const fail2ban = await starting
  const isReady = fail2ban.failure === null && !fail2ban.isLate
  const jail =
    isReady && (await readJailLog()).jails.includes('portsentry')
      ? await watchJail(specification, release, detection.outcomes)
      : { jailed: [], unproven: fail2ban.isLate ? 'fail2ban is not ready yet' : null }
  const logged = hosts.filter(({ role }) => role === 'logged')
  const banned = await reachBanned(logged, greeters.ports, fail2ban.isActing)
  for (const [name, reached] of banned.reached) after.set(name, reached)
  const unproven = banned.isPending ? 'the action of the ban has not ended' : jail.unproven
  const rulesThen = [...rules, ...(await readDecisions())]
  const addressesOf = (wanted: LabHost['role']): string[] =>
    hosts.filter(({ role }) => role === wanted).map(({ address }) => address)
  // The action writes the file for libwrap last.
  const inJail = addressesOf('logged').filter((address) => jail.jailed.includes(address))
  if (specification.libwrapDaemons.length > 0) await waitUntil(() => areDenied(inJail), ACTION_TIMEOUT_MS)
  const { access, gap: wrapperGap } = await judgeAccess(
    specification.libwrapDaemons,
    addressesOf('allowlisted'),
    [...addressesOf('attacker'), ...addressesOf('logged')],
  )
  const { jails, errors } = await readJailLog()
  await detection.stop()
  greeters.close()

  const reportOn = (host: LabHost): HostReport => {
    const named = mentions(host.address)
    const seen = host.role === 'logged' ? rulesThen : rules
    return {
      address: host.address,
      openBefore: before.get(host.name) ?? [],
      openAfter: after.get(host.name) ?? [],
      noticed: noticed.has(host.address),
      events: detection.outcomes.filter(({ decision }) => decision.host === host.address).map(eventOf),
      rules: [...new Set(seen.filter((line) => !known.has(line) && named.test(line)))],
      wrappers: access.get(host.address) ?? {},
      jailed: jail.jailed.includes(host.address),
    }
  }
  return {
    gaps,
    hosts: Object.fromEntries(hosts.map((host) => [host.name, reportOn(host)])),
    // The trace would repeat what iptables-nft has counted, in nft's syntax.
    dropping: counted.length > 0 ? counted : parseDrops(trace),
    wrapperGap,
    fail2ban: { startFailure: fail2ban.failure, unproven, jails, complaints: errors },
  }
}

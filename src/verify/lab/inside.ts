import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../detector/decision.ts'
import { isBehindFirewall } from '../../detector/modes.ts'
import { samplePacket } from '../../detector/samples.ts'
import { parseAddress } from '../../network.ts'
import { RELEASES } from '../../policy/find-release.ts'
import { HostError } from '../../system/host-error.ts'
import { type Detection, startDetection } from './detection.ts'
import { countedDrops, readDecisions, restoreRules } from './firewall-copy.ts'
import { startGreeters } from './greeters.ts'
import { readJailLog, startFail2ban, watchJail } from './jail.ts'
import { emptyRecords } from './own-records.ts'
import type { EventReport, HostReport, LabReport } from './report.ts'
import type { LabHost, LabSpecification } from './specification.ts'
import { createTopology, type Topology } from './topology.ts'
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
/**
 * How long to wait for an answer once the packets of all hosts have arrived, and this process has answered: on a veth pair it
 * takes less than a millisecond.
 */
const TIMEOUT_SECONDS = 0.1
/** Before the scans: only hosts that the firewall keeps out do not answer. */
const FIRST_TIMEOUT_SECONDS = 0.4
/** The same if an answer is expected, which may be late on a busy machine. */
const LONG_TIMEOUT_SECONDS = 3

/** Each peer that has some of these hosts behind it, with them. */
const groupsOf = (peers: Topology['peers'], hosts: readonly LabHost[]) =>
  [...peers]
    .map(([device, peer]) => ({ peer, group: hosts.filter((host) => host.device === device) }))
    .filter(({ group }) => group.length > 0)

/** By host name, the ports that greet the host. */
type Reached = ReadonlyMap<string, readonly number[]>

/** What has arrived here by now is handled before this returns: the listener accepts and greets in the event loop. */
const turn = async (): Promise<void> => {
  await nextTurn()
  await nextTurn()
}

/** Which of the ports each host gets an answer from. */
const reachAll = async (
  peers: Topology['peers'],
  hosts: readonly LabHost[],
  ports: readonly number[],
  timeoutSeconds = TIMEOUT_SECONDS,
): Promise<Reached> => {
  const groups = groupsOf(peers, hosts)
  const begun = groups.map(({ peer, group }) =>
    peer.begin(
      group.flatMap(({ address: source, destination }) =>
        ports.map((port) => ({ source, destination, port })),
      ),
    ),
  )
  await Promise.all(begun)
  await turn()
  const reached = groups.map(async ({ peer, group }) => {
    const answers = await peer.finish(timeoutSeconds)
    return group.map(
      ({ name }, index) => [name, ports.filter((_, at) => answers[index * ports.length + at])] as const,
    )
  })
  return new Map((await Promise.all(reached)).flat())
}

const sendAll = async (peers: Topology['peers'], hosts: readonly LabHost[]): Promise<void> => {
  await Promise.all(
    groupsOf(peers, hosts).map(({ peer, group }) =>
      peer.send(
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
  peers: Topology['peers'],
  hosts: readonly LabHost[],
  ports: readonly number[],
  isActing: () => Promise<boolean>,
): Promise<{ reached: Reached; isPending: boolean }> => {
  let reached: Reached = new Map()
  const isCutOff = async () => {
    reached = await reachAll(peers, hosts, ports)
    return [...reached.values()].every((open) => open.length === 0)
  }
  if (await waitUntil(isCutOff, ACTION_TIMEOUT_MS)) return { reached, isPending: false }
  const isOver = await waitUntil(async () => !(await isActing()), ACTION_END_MS)
  await isCutOff()
  return { reached, isPending: !isOver }
}

/** Tries hosts again that got an answer before, but not now: on a busy machine an answer may be late. */
const reachAgain = async (
  peers: Topology['peers'],
  hosts: readonly LabHost[],
  ports: readonly number[],
  before: Reached,
  after: Map<string, readonly number[]>,
): Promise<void> => {
  const isClosed = ({ name }: LabHost) =>
    before.get(name)?.some((port) => !after.get(name)?.includes(port)) === true
  await waitUntil(async () => {
    const reached = await reachAll(peers, hosts.filter(isClosed), ports, LONG_TIMEOUT_SECONDS)
    for (const [name, open] of reached) after.set(name, open)
    return !hosts.some(isClosed)
  }, ACTION_TIMEOUT_MS)
}

/** Everything that happens in the lab, in order. Runs inside of its sandbox. Throws HostError if the lab cannot be built. */
export const runInside = async (specification: LabSpecification): Promise<LabReport> => {
  const release = RELEASES.find(({ name }) => name === specification.release)
  if (release === undefined)
    throw new HostError('no such release', 'this command is called by portward verify')
  const greeters = await startGreeters(specification.openPorts)
  const [{ peers, hasIPv6 }, detection] = await Promise.all([
    createTopology(specification),
    startDetection(specification, release),
  ])
  const hosts = specification.hosts.filter(({ address }) => hasIPv6 || !address.includes(':'))
  const gaps = [...(hasIPv6 ? [] : ['IPv6']), ...(await restoreRules(specification.firewall))]
  await emptyRecords(specification.historyPath)

  const before = await reachAll(peers, hosts, greeters.ports, FIRST_TIMEOUT_SECONDS)
  const known = await readDecisions()
  await detection.idle()
  const first = detection.outcomes.length
  // A firewall cannot hide a scan from a daemon that reads the wire.
  const stopTrace = specification.modes.some(isBehindFirewall)
    ? await startTrace(() => reachAll(peers, hosts.slice(0, 1), greeters.ports.slice(0, 1), 0))
    : async () => ''
  await sendAll(peers, hosts)
  const noticed = await waitForEvents(hosts, detection, first)
  const trace = await stopTrace()
  await injectProbes(
    hosts.filter(({ address }) => !noticed.has(address)),
    detection,
  )
  const scanned = await readDecisions()
  const counted = (['iptables', 'ip6tables'] as const).flatMap((program) =>
    countedDrops(program, known[program], scanned[program]),
  )
  const scanning = hosts.filter(({ role }) => role !== 'logged')
  const after = new Map(await reachAll(peers, scanning, greeters.ports))
  const acted = new Set(
    detection.outcomes.flatMap(({ decision, outcomes }) => (outcomes.length > 0 ? [decision.host] : [])),
  )
  const left = scanning.filter(({ role, address }) => role === 'allowlisted' || !acted.has(address))
  await reachAgain(peers, left, greeters.ports, before, after)

  // Not before: its action may replace the rules when it starts, and portsentry's bans with them.
  const fail2ban = await startFail2ban(specification)
  const isReady = fail2ban.failure === null && !fail2ban.isLate
  const jail =
    isReady && (await readJailLog()).jails.includes('portsentry')
      ? await watchJail(specification, release, detection.outcomes)
      : { jailed: [], unproven: fail2ban.isLate ? 'fail2ban is not ready yet' : null }
  const logged = hosts.filter(({ role }) => role === 'logged')
  const banned = await reachBanned(peers, logged, greeters.ports, fail2ban.isActing)
  for (const [name, reached] of banned.reached) after.set(name, reached)
  const unproven = banned.isPending ? 'the action of the ban has not ended' : jail.unproven
  const { lines: rulesThen } = await readDecisions()
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

  const earlier = new Set(known.lines)
  const reportOn = (host: LabHost): HostReport => {
    const named = mentions(host.address)
    const seen = host.role === 'logged' ? [...scanned.lines, ...rulesThen] : scanned.lines
    return {
      address: host.address,
      openBefore: before.get(host.name) ?? [],
      openAfter: after.get(host.name) ?? [],
      noticed: noticed.has(host.address),
      events: detection.outcomes.filter(({ decision }) => decision.host === host.address).map(eventOf),
      rules: [...new Set(seen.filter((line) => !earlier.has(line) && named.test(line)))],
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

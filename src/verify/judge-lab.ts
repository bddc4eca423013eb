import type { HostReport, LabReport } from '../host/lab/report.ts'
import type { LabHost, LabSpecification, Role } from '../host/lab/specification.ts'
import { type Check, checkFor, listed } from './check.ts'

/** What is configured, as far as it decides what the lab should show. */
export interface Expectation {
  /** What each protocol's BLOCK_* says: 1 blocks, 2 runs KILL_RUN_CMD only, 0 tells and does nothing. */
  readonly block: { readonly tcp: number; readonly udp: number }
  readonly hasKillRoute: boolean
  readonly hasHostsDeny: boolean
  /** Whether the portsentry jail should ban. */
  readonly jailBans: boolean
  readonly confPath: string
  readonly ignorePath: string
  readonly jailPath: string
  /** Whether this portsentry reads packets behind the firewall (1.2), and not on the wire. */
  readonly isBehindFirewall: boolean
}

interface Seen {
  readonly host: LabHost
  readonly report: HostReport
}

/** What the hosts of a role did and met. */
const hostsOf = ({ hosts }: LabSpecification, report: LabReport, role: Role): Seen[] =>
  hosts.flatMap((host) => {
    const seen = report.hosts[host.name]
    return host.role === role && seen !== undefined ? [{ host, report: seen }] : []
  })

const answeredBefore = ({ before }: HostReport): string[] =>
  Object.keys(before).filter((port) => before[port] === 'answered')

/** The port by which it shows whether a host gets through: one that answered it at first. */
const testPort = ({ report }: Seen): string | undefined => answeredBefore(report)[0]

const getsThrough = (seen: Seen): boolean => {
  const port = testPort(seen)
  return port !== undefined && seen.report.after[port] === 'answered'
}

const isNoticed = ({ report }: Seen): boolean => report.noticed
const hasActed = ({ report }: Seen): boolean => report.events.some(({ verdict }) => verdict === 'act')

const rulesText = (rules: LabReport['dropping']): string =>
  listed(rules.map(({ program, rule }) => `${program} ${rule}`))

const judgeNoticed = (attackers: readonly Seen[], report: LabReport, expected: Expectation): Check => {
  const check = checkFor('noticed', 'portsentry notices scans')
  const missed = attackers.filter((seen) => !isNoticed(seen)).map(({ host }) => host.name)
  if (attackers.length === 0) return check.skip('no port is watched', 'see TCP_MODE and UDP_MODE')
  if (missed.length === 0)
    return check.pass(
      listed(
        attackers.map(({ host }) => host.name),
        6,
      ),
    )
  const drops = [rulesText(report.dropping), listed(report.nftDrops)].filter(Boolean).join('; ')
  if (drops !== '' && expected.isBehindFirewall) {
    return check.warn(
      `the firewall drops ${listed(missed, 6)} before this portsentry can see it: ${drops}`,
      'accept the watched ports ahead of that rule (nothing listens there), or count on the firewall alone',
    )
  }
  return check.fail(`not noticed: ${listed(missed, 6)}`, `see the ports in ${expected.confPath}`)
}

const judgeCommands = (attackers: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('commands', 'what portsentry does about a scanner works')
  const outcomes = attackers.flatMap(({ report }) => report.events.flatMap((event) => event.outcomes))
  const failed = outcomes.filter(({ result }) => result === 'failed' || result === 'not-run')
  const [first] = failed
  if (first !== undefined) {
    const { action, exitCode, said } = first
    const what =
      action.kind === 'command'
        ? `${action.option} ended with ${exitCode === null ? 'no exit code' : `exit code ${exitCode}`}: ${action.command}`
        : `${action.option} could not be done`
    return check.fail(
      `${what}${said === '' ? '' : ` — ${said}`}; portsentry logs the host as blocked all the same`,
      `mend ${action.option} in ${expected.confPath}, or the program that it runs`,
    )
  }
  if (outcomes.length === 0) return check.skip('nothing was done in the lab: no scan was acted on')
  const options = [...new Set(outcomes.map(({ action }) => action.option))]
  return check.pass(`${listed(options)} for ${attackers.filter(hasActed).length} scanners`)
}

const judgeKernel = (attackers: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('rule', "the ban is in the kernel's own list")
  if (!expected.hasKillRoute) return check.skip('no KILL_ROUTE is configured')
  const acted = attackers.filter(hasActed)
  if (acted.length === 0) return check.skip('no scan was acted on')
  const without = acted.filter(({ report }) => report.rules.length === 0)
  if (without.length > 0) {
    return check.warn(
      `no rule, set or route names ${listed(without.map(({ report }) => report.address))} after KILL_ROUTE`,
      `see what KILL_ROUTE in ${expected.confPath} does`,
    )
  }
  return check.pass(acted[0]?.report.rules[0] ?? '')
}

const judgeCutOff = (attackers: readonly Seen[], report: LabReport, expected: Expectation): Check => {
  const check = checkFor('cut-off', 'a scanner is cut off')
  const blocks = ({ host }: Seen) => expected.block[host.probes[0]?.kind === 'udp' ? 'udp' : 'tcp'] === 1
  if (expected.block.tcp === 0 && expected.block.udp === 0) {
    const cut = attackers.filter((seen) => testPort(seen) !== undefined && !getsThrough(seen))
    return cut.length === 0
      ? check.pass('nobody is: BLOCK_TCP and BLOCK_UDP are 0')
      : check.fail(`${listed(cut.map(({ host }) => host.name))} is, although BLOCK_TCP and BLOCK_UDP are 0`)
  }
  const wanted = attackers.filter((seen) => hasActed(seen) && blocks(seen))
  if (wanted.length === 0) return check.skip('no scan was acted on')
  if (!expected.hasKillRoute) {
    return check.warn(
      'portsentry itself only writes hosts.deny: without KILL_ROUTE the ban comes with fail2ban, if at all',
      'set BAN_BACKEND=iptables, nft or route',
    )
  }
  const testable = wanted.filter((seen) => testPort(seen) !== undefined)
  if (testable.length === 0) {
    return check.warn('the firewall lets no host reach an open port: being cut off cannot be shown')
  }
  const through = testable.filter(getsThrough)
  if (through.length === 0) {
    const ports = [...new Set(testable.map((seen) => testPort(seen)))]
    return check.pass(
      `${listed(
        testable.map(({ host }) => host.name),
        6,
      )}: port ${ports.join(', ')} no longer answers`,
    )
  }
  const first = report.accepting[0]
  const why =
    first === undefined
      ? `what KILL_ROUTE does has no effect on port ${testPort(through[0] as Seen)}`
      : `${first.program} ${first.rule} lets it in before the ban is looked at`
  return check.fail(
    `still gets through after ${listed(
      through.map(({ host }) => host.name),
      6,
    )}: ${why}`,
    first === undefined
      ? `see KILL_ROUTE in ${expected.confPath}`
      : `have KILL_ROUTE in ${expected.confPath} insert its rule first (-I INPUT instead of -A INPUT)`,
  )
}

const judgeSpared = (spared: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('spared', 'the LAN and the whitelist are never cut off')
  const acted = spared.filter(hasActed)
  if (acted.length > 0) {
    return check.fail(
      `portsentry acts on ${listed(acted.map(({ host, report }) => `${report.address} (${host.name})`))}`,
      `see ${expected.ignorePath}: a network with host bits, a dotted mask or a blank in front matches nobody`,
    )
  }
  const testable = spared.filter((seen) => testPort(seen) !== undefined)
  const cut = testable.filter((seen) => !getsThrough(seen))
  if (cut.length > 0) {
    return check.fail(
      `${listed(cut.map(({ host }) => host.name))} is cut off`,
      'see fail2ban and the firewall',
    )
  }
  if (spared.length === 0) return check.skip('nobody is to be spared that could be tried')
  const names = listed(spared.map(({ host }) => host.name))
  return testable.length > 0
    ? check.pass(`${names}: same scans, still let in`)
    : check.pass(`${names}: same scans, not acted on; the firewall lets them reach no open port anyway`)
}

const judgeWrappers = (attackers: readonly Seen[], spared: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('wrappers', 'hosts.deny refuses the scanner, hosts.allow lets the LAN in')
  const acted = attackers.filter(hasActed)
  const judged = [...acted, ...spared].filter(({ report }) => report.wrappers !== null)
  if (judged.length === 0) {
    return check.skip("libwrap's tcpdmatch is not installed", 'apt-get install tcpd to have it judged')
  }
  const refused = spared.filter(({ report }) => report.wrappers === 'denied')
  if (refused.length > 0) {
    return check.fail(
      `with a line in hosts.deny ${listed(refused.map(({ report }) => report.address))} would be refused: /etc/hosts.allow does not match ${listed(refused.map(({ host }) => host.name))}`,
      'write networks without host bits there; portward plan shows the line',
    )
  }
  if (!expected.hasHostsDeny || expected.block.tcp !== 1) return check.pass('the LAN is let in')
  const granted = acted.filter(({ report }) => report.wrappers === 'granted')
  if (granted.length > 0) {
    return check.fail(
      `${listed(granted.map(({ host }) => host.name))}: hosts.deny does not refuse the scanner`,
      `see KILL_HOSTS_DENY in ${expected.confPath}, and what /etc/hosts.allow lets in`,
    )
  }
  return check.pass(`tcpdmatch: ${acted.length} scanners refused, ${spared.length} others let in`)
}

const judgeJail = (
  logged: readonly Seen[],
  spared: readonly Seen[],
  { fail2ban }: LabReport,
  expected: Expectation,
): Check[] => {
  const bans = checkFor('jail-bans', 'fail2ban bans by itself who is in the history')
  const spares = checkFor('jail-spares', 'fail2ban spares the LAN and the whitelist')
  if (!expected.jailBans) return [bans.pass('it is not to: the jail is off')]
  const said = fail2ban.complaints.length > 0 ? `: ${listed(fail2ban.complaints, 2)}` : ''
  if (fail2ban.startFailure !== null) {
    return [
      bans.fail(
        `fail2ban does not start with its configuration: ${fail2ban.startFailure}${said}`,
        'fail2ban-client -t',
      ),
    ]
  }
  if (!fail2ban.jails.includes('portsentry')) {
    return [
      bans.fail(
        `fail2ban does not load the portsentry jail${said}`,
        `see ${expected.jailPath} and what is read after it`,
      ),
    ]
  }
  const unheld = logged.filter(({ report }) => !report.jailed)
  const through = logged.filter((seen) => testPort(seen) !== undefined && getsThrough(seen))
  const jailed = spared.filter(({ report }) => report.jailed).map(({ report }) => report.address)
  const sparing =
    jailed.length === 0
      ? spares.pass(listed(spared.map(({ host }) => host.name)))
      : spares.fail(
          `the jail holds ${listed(jailed)}`,
          `see ignoreip in ${expected.jailPath} and in what is read after it`,
        )
  if (unheld.length > 0) {
    return [
      bans.fail(
        `a new line in the history bans nobody${said}`,
        `see filter, backend and logpath of the portsentry jail: fail2ban-client -d`,
      ),
      sparing,
    ]
  }
  if (through.length > 0) {
    return [
      bans.fail(
        `fail2ban lists the host as banned, but it still gets through${said}`,
        'see banaction of the portsentry jail, and whether its program is installed',
      ),
      sparing,
    ]
  }
  return [bans.pass(logged.map(({ report }) => report.rules[0] ?? 'banned').join(', ')), sparing]
}

/** What the lab has shown, as checks. Pure. */
export const judgeLab = (
  specification: LabSpecification,
  report: LabReport,
  expected: Expectation,
): Check[] => {
  const attackers = hostsOf(specification, report, 'attacker')
  const spared = hostsOf(specification, report, 'spared')
  const logged = hostsOf(specification, report, 'logged')
  const lab = checkFor('lab', 'a copy of this server in a network of its own')
  return [
    report.gaps.length === 0
      ? lab.pass('its firewall, its programs, its files; nothing of it reaches the server')
      : lab.warn(`not all could be rebuilt there: ${listed(report.gaps)}`, 'what follows holds without that'),
    judgeNoticed(attackers, report, expected),
    judgeCommands(attackers, expected),
    judgeKernel(attackers, expected),
    judgeCutOff(attackers, report, expected),
    judgeSpared(spared, expected),
    judgeWrappers(attackers, spared, expected),
    ...(specification.startsFail2ban ? judgeJail(logged, spared, report, expected) : []),
  ]
}

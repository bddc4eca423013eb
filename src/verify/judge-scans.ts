import type { ActionOutcome } from '../detector/decision.ts'
import { shortList } from '../phrases.ts'
import { type Check, checkFor, OBSERVES } from './check.ts'
import type { LabReport } from './lab/report.ts'
import {
  type Expectation,
  getsThrough,
  hasActed,
  isNoticed,
  isRouted,
  isTestable,
  isToBeBlocked,
  ONLY_LOGS,
  onlyLogs,
  openTo,
  portsText,
  type Seen,
  stillOpenTo,
  unblockedText,
} from './lab-view.ts'

export const judgeNoticed = (attackers: readonly Seen[], report: LabReport, expected: Expectation): Check => {
  const check = checkFor('noticed')
  const missed = attackers.filter((seen) => !isNoticed(seen)).map(({ host }) => host.name)
  if (attackers.length === 0)
    return check.skip(
      'no scan could be tried: no port is watched, or this server has no address for it',
      'see TCP_MODE and UDP_MODE',
    )
  if (missed.length === 0)
    return check.pass(
      shortList(
        attackers.map(({ host }) => host.name),
        6,
      ),
    )
  if (report.dropping.length > 0 && expected.isBehindFirewall) {
    return check.warn(
      `the firewall drops ${shortList(missed, 6)} before this portsentry can see it: ${shortList(report.dropping)}`,
      'accept the watched ports ahead of that rule (nothing listens there), or rely on the firewall alone',
    )
  }
  return check.fail(`not noticed: ${shortList(missed, 6)}`, `see the ports in ${expected.confPath}`)
}

/** Exit codes of a shell that cannot run a program, or does not find it. */
const NOT_RUN: readonly (number | null)[] = [null, 126, 127]

/** A KILL_RUN_CMD that failed only in the lab: it often reports over the network, which the lab does not have. */
const isLabArtifact = ({ action, exitCode }: ActionOutcome): boolean =>
  action.kind === 'command' && action.option === 'KILL_RUN_CMD' && !NOT_RUN.includes(exitCode)

/** A failure for a reason that is already known: hosts.deny cannot be written. */
const isHostsDenyFailure = (
  { action, message }: ActionOutcome,
  { hostsDenyObstacle }: Expectation,
): boolean =>
  hostsDenyObstacle !== null && (action.kind === 'hosts-deny' || message.includes('/etc/hosts.deny'))

const describeFailure = ({ action, exitCode, message }: ActionOutcome): string => {
  const what =
    action.kind === 'command'
      ? `${action.option} ended ${exitCode === null ? 'without an exit code' : `with exit code ${exitCode}`}: ${action.command}`
      : `${action.option} could not be done`
  return `${what}${message === '' ? '' : ` — ${message}`}`
}

export const judgeCommands = (attackers: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('commands')
  const events = attackers.flatMap(({ report }) => report.events)
  const outcomes = events.flatMap((event) => event.outcomes)
  const failed = outcomes.filter(({ result }) => result === 'failed' || result === 'not-run')
  const [first] = failed.filter(
    (outcome) => !isLabArtifact(outcome) && !isHostsDenyFailure(outcome, expected),
  )
  if (first !== undefined) {
    const { option } = first.action
    // portsentry ignores the exit codes of commands, but not failures to write its files.
    const isBlocked = events.find((event) => event.outcomes.includes(first))?.blocked === true
    return check.fail(
      `${describeFailure(first)}; portsentry ${isBlocked ? 'logs the host as blocked nevertheless' : 'does not log the host as blocked, so fail2ban may not see it'}`,
      `correct ${option} in ${expected.confPath}, or the program that it runs`,
    )
  }
  const [undenied] = failed.filter((outcome) => isHostsDenyFailure(outcome, expected))
  if (undenied !== undefined) {
    return check.warn(
      `${describeFailure(undenied)}; the file cannot be written: ${expected.hostsDenyObstacle}`,
      'make hosts.deny writable',
    )
  }
  const [excused] = failed
  if (excused !== undefined) {
    return check.warn(
      `${describeFailure(excused)}; the lab has no network, so it may still work on the server`,
      'run it once on the server',
    )
  }
  if (outcomes.length === 0 && onlyLogs(expected)) return check.pass(`nothing to do: ${ONLY_LOGS}`)
  if (outcomes.length === 0) return check.skip('nothing was done in the lab: no scan was acted on')
  const options = [...new Set(outcomes.map(({ action }) => action.option))]
  return check.pass(`${shortList(options)} for ${attackers.filter(hasActed).length} scanners`)
}

export const judgeKernel = (attackers: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('rule')
  if (!expected.hasKillRoute) return check.skip('no KILL_ROUTE is configured')
  if (onlyLogs(expected)) return check.pass(`portsentry should not ban: ${ONLY_LOGS}`)
  const routed = attackers.filter(isRouted)
  if (routed.length === 0) return check.skip('KILL_ROUTE was not run for any scan')
  const without = routed.filter(({ report }) => report.rules.length === 0)
  if (without.length > 0) {
    return check.warn(
      `no rule, set or route names ${shortList(without.map(({ report }) => report.address))} after KILL_ROUTE`,
      `see what KILL_ROUTE in ${expected.confPath} does`,
    )
  }
  return check.pass(routed[0]?.report.rules[0] ?? '')
}

/** For a portsentry that did not act on hosts that it should have blocked. */
const judgeInaction = (check: ReturnType<typeof checkFor>, idle: readonly Seen[], expected: Expectation) => {
  const events = idle.flatMap(({ report }) => report.events)
  const line = events.find(({ ignoredByLine }) => ignoredByLine !== null)?.ignoredByLine
  const addresses = shortList(idle.map(({ report }) => report.address))
  if (typeof line === 'number') {
    return check.fail(
      `${expected.ignorePath}:${line}: because of this line portsentry ignores ${addresses}, and all other hosts that it covers`,
      'remove networks that are not yours: their hosts are never banned',
    )
  }
  const isBelow = events.some(({ verdict }) => verdict === 'below-trigger')
  return check.fail(
    `no scan was acted on${isBelow ? ': none had as many packets as SCAN_TRIGGER requires' : ''}`,
    `see ${isBelow ? 'SCAN_TRIGGER' : 'the ports'} in ${expected.confPath}`,
  )
}

/** For a portsentry that should only log. The bans of fail2ban are another check. */
const judgeObserving = (attackers: readonly Seen[], { jailBans }: Expectation): Check => {
  const check = checkFor(OBSERVES)
  const testable = attackers.filter(isTestable)
  if (testable.length === 0)
    return check.skip('not proven: no scanner could reach an open port before its scan')
  const cut = testable.filter((seen) => !getsThrough(seen))
  if (cut.length > 0)
    return check.fail(`${shortList(cut.map(({ host }) => host.name))}: cut off, although ${ONLY_LOGS}`)
  return check.pass(`${ONLY_LOGS}${jailBans ? '; fail2ban bans the hosts that it logs' : ''}`)
}

export const judgeCutOff = (attackers: readonly Seen[], expected: Expectation): Check => {
  if (onlyLogs(expected)) return judgeObserving(attackers, expected)
  const check = checkFor('cut-off')
  if (attackers.length === 0) return check.skip('no scan could be tried')
  const toBlock = attackers.filter(isToBeBlocked(expected))
  if (toBlock.length === 0) return check.skip('no scan was blocked: BLOCK_TCP and BLOCK_UDP are not 1')
  const idle = toBlock.filter((seen) => !hasActed(seen))
  const wanted = toBlock.filter(hasActed)
  const isIgnored = idle.some(({ report: { events } }) => events.some((event) => event.verdict === 'ignored'))
  if (wanted.length === 0 || isIgnored) return judgeInaction(check, idle, expected)
  if (!expected.hasKillRoute) {
    const own = expected.hasHostsDeny
      ? 'portsentry itself only writes hosts.deny'
      : 'portsentry itself does not ban'
    return check.warn(
      `without KILL_ROUTE ${own}${expected.jailBans ? '; fail2ban bans the hosts that it logs' : ', and the fail2ban jail is off'}`,
      'set BAN_BACKEND=ipset, nft or route',
    )
  }
  const testable = wanted.filter(isTestable)
  if (testable.length === 0) {
    return check.warn('not proven: the firewall does not let any host reach an open port')
  }
  const namesOf = (hosts: readonly Seen[]) =>
    shortList(
      hosts.map(({ host }) => host.name),
      6,
    )
  const through = testable.filter(getsThrough)
  if (through.length === 0) {
    const ports = portsText(testable, openTo)
    return check.pass(
      `${namesOf(testable)}: ${ports} no longer answer${ports.startsWith('ports') ? '' : 's'}${unblockedText(attackers, expected)}`,
    )
  }
  const ports = portsText(through, stillOpenTo)
  return check.fail(
    `still gets through after ${namesOf(through)}: KILL_ROUTE has no effect on ${ports}`,
    `see KILL_ROUTE in ${expected.confPath}, and which rules come before the ban`,
  )
}

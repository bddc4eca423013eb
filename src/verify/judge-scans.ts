import type { LabReport } from '../host/lab/report.ts'
import { type Check, checkFor, listed } from './check.ts'
import {
  type Expectation,
  getsThrough,
  hasActed,
  isNoticed,
  isRouted,
  ONLY_TELLS,
  onlyTells,
  type Seen,
  testPort,
} from './lab-view.ts'

const rulesText = (rules: LabReport['dropping']): string =>
  listed(rules.map(({ program, rule }) => `${program} ${rule}`))

export const judgeNoticed = (attackers: readonly Seen[], report: LabReport, expected: Expectation): Check => {
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

export const judgeCommands = (attackers: readonly Seen[], expected: Expectation): Check => {
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
  if (outcomes.length === 0 && onlyTells(expected)) return check.pass(`nothing is to be done: ${ONLY_TELLS}`)
  if (outcomes.length === 0) return check.skip('nothing was done in the lab: no scan was acted on')
  const options = [...new Set(outcomes.map(({ action }) => action.option))]
  return check.pass(`${listed(options)} for ${attackers.filter(hasActed).length} scanners`)
}

export const judgeKernel = (attackers: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('rule', "the ban is in the kernel's own list")
  if (!expected.hasKillRoute) return check.skip('no KILL_ROUTE is configured')
  if (onlyTells(expected)) return check.pass(`nobody is to be in it: ${ONLY_TELLS}`)
  const routed = attackers.filter(isRouted)
  if (routed.length === 0) return check.skip('KILL_ROUTE was run for no scan')
  const without = routed.filter(({ report }) => report.rules.length === 0)
  if (without.length > 0) {
    return check.warn(
      `no rule, set or route names ${listed(without.map(({ report }) => report.address))} after KILL_ROUTE`,
      `see what KILL_ROUTE in ${expected.confPath} does`,
    )
  }
  return check.pass(routed[0]?.report.rules[0] ?? '')
}

export const judgeCutOff = (attackers: readonly Seen[], report: LabReport, expected: Expectation): Check => {
  const check = checkFor('cut-off', 'a scanner is cut off')
  const blocks = ({ host }: Seen) => expected.block[host.probes[0]?.kind === 'udp' ? 'udp' : 'tcp'] === 1
  if (onlyTells(expected)) {
    const cut = attackers.filter((seen) => testPort(seen) !== undefined && !getsThrough(seen))
    return cut.length === 0
      ? check.pass(`nobody is: ${ONLY_TELLS}`)
      : check.fail(`${listed(cut.map(({ host }) => host.name))} is, although ${ONLY_TELLS}`)
  }
  const acted = attackers.filter(hasActed)
  const wanted = acted.filter(blocks)
  if (acted.length === 0) return check.skip('no scan was acted on')
  if (wanted.length === 0) return check.skip('no scan was blocked: BLOCK_TCP and BLOCK_UDP are not 1')
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

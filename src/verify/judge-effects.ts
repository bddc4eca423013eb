import { shortList } from '../phrases.ts'
import { type Check, checkFor } from './check.ts'
import type { LabReport } from './lab/report.ts'
import {
  closedTo,
  type Expectation,
  getsThrough,
  hasActed,
  isTestable,
  portsText,
  type Seen,
  stillOpenTo,
} from './lab-view.ts'

const NONE_TRIED = 'no host that config.env protects could be tried'

export const judgeAllowlisted = (allowlisted: readonly Seen[], expected: Expectation): Check => {
  const check = checkFor('allowlisted')
  const acted = allowlisted.filter(hasActed)
  if (acted.length > 0) {
    return check.fail(
      `portsentry acts on ${shortList(acted.map(({ host, report }) => `${report.address} (${host.name})`))}`,
      `see ${expected.ignorePath}: a network with host bits, a dotted mask or a blank in front matches no host`,
    )
  }
  const testable = allowlisted.filter(isTestable)
  const cut = testable.filter((seen) => closedTo(seen).length > 0)
  if (cut.length > 0) {
    return check.fail(
      `${shortList(cut.map(({ host }) => host.name))} is cut off from ${portsText(cut, closedTo)}`,
      'see fail2ban and the firewall',
    )
  }
  const scanning = allowlisted.filter(({ host }) => host.probes.length > 0)
  if (scanning.length === 0) return check.skip(NONE_TRIED)
  const namesOf = (hosts: readonly Seen[]) => shortList(hosts.map(({ host }) => host.name))
  const [open, shut] = [true, false].map((wanted) => scanning.filter((seen) => isTestable(seen) === wanted))
  return check.pass(
    [
      ...(open?.length ? [`${namesOf(open)}: same scans, still let in`] : []),
      ...(shut?.length
        ? [
            `${namesOf(shut)}: same scans, not acted on; the firewall does not let them reach an open port anyway`,
          ]
        : []),
    ].join('; '),
  )
}

const NO_ADDRESS = 'not tried: all address ranges for scanners are in use here'

/** The hint if this machine was too busy for a proof. */
const RETRY = 'run portward verify again when this machine is less busy'

export const judgeJail = (
  logged: readonly Seen[],
  allowlisted: readonly Seen[],
  { fail2ban }: LabReport,
  expected: Expectation,
): Check[] => {
  const bans = checkFor('jail-bans')
  const exempts = checkFor('jail-allowlisted')
  // Whether it is disabled as it should be is checked with the live fail2ban.
  if (!expected.jailBans) return []
  const said = fail2ban.complaints.length > 0 ? `: ${shortList(fail2ban.complaints, 2)}` : ''
  if (fail2ban.startFailure !== null) {
    return [
      bans.fail(
        `fail2ban does not start with its configuration: ${fail2ban.startFailure}${said}`,
        'fail2ban-client -t',
      ),
    ]
  }
  if (!fail2ban.jails.includes('portsentry')) {
    if (fail2ban.unproven !== null)
      return [
        bans.skip(`not proven: ${fail2ban.unproven}${said}`, RETRY),
        exempts.skip(`not proven: ${fail2ban.unproven}`),
      ]
    return [
      bans.fail(
        `fail2ban does not load the portsentry jail${said}`,
        `see ${expected.jailPath} and the files that are read after it`,
      ),
    ]
  }
  if (logged.length === 0) return [bans.skip(NO_ADDRESS), exempts.skip(NO_ADDRESS)]
  const notJailed = logged.filter(({ report }) => !report.jailed)
  const through = logged.filter(getsThrough)
  const jailed = allowlisted.filter(({ report }) => report.jailed).map(({ report }) => report.address)
  const exempting = (): Check => {
    if (jailed.length > 0) {
      return exempts.fail(
        `the jail has banned ${shortList(jailed)}`,
        `see ignoreip in ${expected.jailPath} and in the files that are read after it`,
      )
    }
    if (notJailed.length > 0)
      return exempts.skip('not proven: in the lab fail2ban did not ban the host in the history')
    return allowlisted.length > 0
      ? exempts.pass(shortList(allowlisted.map(({ host }) => host.name)))
      : exempts.skip(NONE_TRIED)
  }
  const banning = (): Check => {
    if (fail2ban.unproven !== null && (notJailed.length > 0 || through.length > 0))
      return bans.skip(`not proven: ${fail2ban.unproven}${said}`, RETRY)
    if (notJailed.length > 0) {
      return bans.fail(
        `a new line in the history does not lead to a ban${said}`,
        `see filter, backend and logpath of the portsentry jail: fail2ban-client -d`,
      )
    }
    if (through.length > 0) {
      return bans.fail(
        `fail2ban lists the host as banned, but it still gets through to ${portsText(through, stillOpenTo)}${said}`,
        'see banaction of the portsentry jail, and whether its program is installed',
      )
    }
    return logged.some((seen) => !isTestable(seen) && seen.report.rules.length === 0)
      ? bans.skip(
          'fail2ban lists the host as banned; not proven: it could not reach an open port before, and no rule names it',
        )
      : bans.pass(logged.map(({ report }) => report.rules[0] ?? 'banned').join(', '))
  }
  return [banning(), exempting()]
}

import { decides } from '../documents/hosts-access.ts'
import { contains, type Network, parseNetwork } from '../network.ts'
import { shortList } from '../phrases.ts'
import { DENIED } from '../policy/ban-set.ts'
import { lineFor } from '../policy/hosts-access-verdict.ts'
import { type Check, checkFor } from './check.ts'
import type { LabReport } from './lab/report.ts'
import { type Expectation, hasActed, isToBeBlocked, type Seen } from './lab-view.ts'

/** libwrap's verdict about one host for one daemon. */
interface Ruling {
  readonly name: string
  readonly address: string
  readonly host: Network
  readonly daemon: string
}

const rulings = (hosts: readonly Seen[], wanted: 'granted' | 'denied'): Ruling[] =>
  hosts.flatMap(({ host: { name }, report: { address, wrappers } }) => {
    const host = parseNetwork(address)
    if (host === null) return []
    return Object.entries(wrappers).flatMap(([daemon, said]) =>
      said === wanted ? [{ name, address, host, daemon }] : [],
    )
  })

const distinct = (items: readonly string[]): string[] => [...new Set(items)]

/** The line of hosts.allow that decides about this host. */
const locationOf = ({ hostsAllow }: Expectation, { host, daemon }: Ruling): string =>
  `/etc/hosts.allow:${lineFor(hostsAllow, host, 'allow', daemon)}`

/** Whether hosts.allow refuses this host alone, and lets the rest of its network in: an admin's exception. */
const isException = ({ hostsAllow, protectedNetworks }: Expectation, { host, daemon }: Ruling): boolean =>
  decides(hostsAllow, host, 'allow', daemon) === 'deny' &&
  protectedNetworks.some(
    (network) => contains(network, host) && decides(hostsAllow, network, 'allow', daemon) === 'allow',
  )

const isLetIn = ({ hostsAllow }: Expectation, { host, daemon }: Ruling): boolean =>
  decides(hostsAllow, host, 'allow', daemon) === 'allow'

/** `scanners`: the hosts that fail2ban bans if hosts.deny names its file of bans, else those that portsentry acts on. */
export const judgeWrappers = (
  scanners: readonly Seen[],
  allowlisted: readonly Seen[],
  daemons: readonly string[],
  { wrapperGap }: LabReport,
  expected: Expectation,
): Check => {
  const check = checkFor('wrappers')
  if (daemons.length === 0) return check.pass('not needed: no daemon here is known to use these files')
  if (expected.hostsDenyObstacle !== null) {
    return check.skip(`not tried, since no ban gets into hosts.deny: ${expected.hostsDenyObstacle}`)
  }
  if (wrapperGap !== null) {
    return check.skip(wrapperGap, wrapperGap.includes('tcpdmatch') ? 'apt-get install tcpd' : '')
  }
  const refused = rulings(allowlisted, 'denied')
  const [wrong] = refused.filter((ruling) => !isException(expected, ruling))
  if (wrong !== undefined) {
    const isByLine = decides(expected.hostsAllow, wrong.host, 'allow', wrong.daemon) === 'deny'
    const names = shortList(distinct(refused.map(({ name }) => name)))
    const addresses = shortList(distinct(refused.map(({ address }) => address)))
    return check.fail(
      isByLine
        ? `${addresses} would be refused by ${wrong.daemon}: ${locationOf(expected, wrong)} keeps ${names} out`
        : `with a line in hosts.deny ${addresses} would be refused by ${wrong.daemon}: /etc/hosts.allow does not match ${names}`,
      'portward plan shows what has to be changed there',
    )
  }
  const { writesDenied, hasHostsDeny } = expected
  // portsentry writes hosts.deny only if BLOCK_* is 1.
  const banned = writesDenied
    ? scanners.filter(({ report }) => report.jailed)
    : scanners.filter(hasActed).filter(isToBeBlocked(expected))
  const granted = writesDenied || hasHostsDeny ? rulings(banned, 'granted') : []
  const [through] = granted.filter((ruling) => !isLetIn(expected, ruling))
  if (through !== undefined) {
    return check.fail(
      `${shortList(distinct(granted.map(({ name }) => name)))}: hosts.deny does not refuse the scanner to ${through.daemon}`,
      writesDenied
        ? `see ${DENIED}, and what /etc/hosts.allow lets in`
        : `see KILL_HOSTS_DENY in ${expected.confPath}, and what /etc/hosts.allow lets in`,
    )
  }
  const [lenient] = granted
  if (lenient !== undefined) {
    return check.warn(
      `${locationOf(expected, lenient)} lets the scanner in to ${lenient.daemon} before hosts.deny is read`,
      'name only trusted hosts there so that hosts.deny has an effect; the firewall does not read this file',
    )
  }
  const [exception] = refused
  if (exception !== undefined) {
    return check.warn(
      `${locationOf(expected, exception)} keeps ${exception.address} of ${exception.name} out of ${exception.daemon}`,
      'remove that line if it is not intended',
    )
  }
  const admitted = rulings(allowlisted, 'granted')
  const letIn = distinct(admitted.map(({ address }) => address)).length
  const kept = distinct(rulings(banned, 'denied').map(({ address }) => address)).length
  if (letIn + kept === 0) return check.skip('tcpdmatch was not asked about any host, or did not answer')
  return (writesDenied || hasHostsDeny) && banned.length > 0
    ? check.pass(`tcpdmatch: ${kept} scanners refused, ${letIn} others let in`)
    : check.pass(
        `let in: ${shortList(distinct(admitted.map(({ name }) => name))) || 'no protected host was tried'}`,
      )
}

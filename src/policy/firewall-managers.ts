import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Settings } from '../settings/settings.ts'
import type { BanSet } from './backends/definition.ts'
import type { Facts, LiveFacts } from './facts.ts'
import type { Release } from './release.ts'
import { ADDRESSES_PATH } from './server-addresses.ts'

const UFW_CONF = '/etc/ufw/ufw.conf'
const UFW_DEFAULTS = '/etc/default/ufw'

const warn = (code: ProblemCode, path: string, message: string, hint: string): Problem => ({
  severity: 'warning',
  code,
  message,
  hint,
  at: { path },
})

/**
 * portsentry 1.2 reads raw sockets behind netfilter: it never sees what INPUT drops. Which ports a rule lets through is not
 * checked here; `verify` tries them.
 */
const findBlindness = (live: LiveFacts, { seesIPv6 }: Release): Problem[] => {
  if (seesIPv6) return []
  const { ufw, firewalld } = live.firewallManagers
  const unseen = 'before this portsentry can see it: scans of such ports are not noticed'
  const blind = (path: string, what: string, hint: string) => [
    warn('blind-portsentry', path, `${what} ${unseen}`, `${hint}, or rely on the firewall alone`),
  ]
  if (ufw?.drops) {
    return blind(
      UFW_CONF,
      'ufw drops what it does not allow',
      'let ufw allow the watched ports (nothing listens there)',
    )
  }
  if (firewalld) {
    return blind(
      '/etc/firewalld',
      'firewalld rejects what its zones do not allow',
      'add the watched ports to the zone (nothing listens there)',
    )
  }
  if (live.inputPolicy !== 'DROP') return []
  return blind(
    'iptables -S INPUT',
    'INPUT drops what no rule accepts',
    'accept the watched ports in INPUT (nothing listens there)',
  )
}

/** What happens to bans when another tool empties INPUT, and what to set instead. */
interface Emptied {
  readonly loss: string
  readonly remedy: string
}

/** Null: no ban is known to be in a table that `manager` empties. */
const whenEmptied = (
  { banaction, killRoute = '' }: Settings,
  used: BanSet | null,
  manager: 'ufw' | 'firewalld',
): Emptied | null => {
  if (banaction?.startsWith('iptables'))
    return {
      loss: `the bans of ${banaction} are lost until fail2ban is restarted`,
      remedy: 'BANACTION=nftables-allports, which has its own table',
    }
  // ufw leaves the table raw alone.
  const isEmptied = used?.backend === 'ipset' && (manager === 'firewalld' || used.target !== 'DROP')
  if (isEmptied && banaction === undefined)
    return {
      loss: 'bans are restored within a minute',
      remedy: 'BAN_BACKEND=nft, which has its own table',
    }
  if (/\bip6?tables\b/.test(killRoute))
    return { loss: 'the rules of KILL_ROUTE are lost', remedy: 'a KILL_ROUTE that uses nft' }
  return null
}

/**
 * ufw appends its jumps to INPUT, and bans are inserted before them; when it is reloaded, disabled or enabled, the bans are
 * kept unless it manages the built-in chains (seen with 0.36).
 */
const emptiedByUfw = ({ loss, remedy }: Emptied): Problem =>
  warn(
    'ufw',
    UFW_DEFAULTS,
    `ufw empties INPUT whenever it starts or is reloaded (MANAGE_BUILTINS=yes): ${loss}`,
    `set MANAGE_BUILTINS=no there, or ${remedy}`,
  )

const BESIDE_UFW = warn(
  'ufw',
  UFW_CONF,
  'ufw is active: bans come before its rules, so ufw cannot let a banned host in, and ufw status does not show bans',
  'see portward bans; portward unban ADDRESS releases a host',
)

/** fw.py and ipXtables.py of firewalld 1.3: a flush also removes the rules of iptables, whatever firewalld's backend is. */
const emptiedByFirewalld = ({ loss, remedy }: Emptied): Problem =>
  warn(
    'firewalld',
    '/etc/firewalld',
    `firewalld empties the tables of iptables whenever it starts, stops or is reloaded: ${loss}`,
    `set ${remedy}`,
  )

/**
 * What other firewall tools mean for portsentry and for its bans. Warnings that no setting of config.env could avoid are
 * shown only until portward has been applied here once.
 */
export const findFirewallManagerProblems = (
  settings: Settings,
  facts: Facts,
  release: Release,
  used: BanSet | null,
): Problem[] => {
  const { live } = facts
  if (live === null) return []
  const isApplied = facts.files.has(ADDRESSES_PATH)
  const blindness = isApplied ? [] : findBlindness(live, release)
  const bans = used !== null || settings.banaction !== undefined
  if (settings.observeOnly || !bans) return blindness
  const { ufw, firewalld } = live.firewallManagers
  const byUfw = ufw?.emptiesInput === true ? whenEmptied(settings, used, 'ufw') : null
  const byFirewalld = firewalld ? whenEmptied(settings, used, 'firewalld') : null
  return [
    ...blindness,
    ...(byUfw !== null ? [emptiedByUfw(byUfw)] : ufw === null || isApplied ? [] : [BESIDE_UFW]),
    ...(byFirewalld === null ? [] : [emptiedByFirewalld(byFirewalld)]),
  ]
}

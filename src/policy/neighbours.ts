import { getVariable, parseShellAssignments } from '../documents/shell-assignments.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import type { Facts } from './facts.ts'
import type { Release } from './release.ts'

/** Other tools with a say in this server's firewall, as far as they are on. */
export interface Neighbours {
  readonly ufw: Ufw | null
  readonly firewalld: boolean
  readonly docker: boolean
}

interface Ufw {
  /** Whether it drops or rejects what no rule of its allows. */
  readonly drops: boolean
  /** Whether it empties the kernel's own chains whenever it starts, stops or is reloaded. */
  readonly emptiesInput: boolean
}

const UFW_CONF = '/etc/ufw/ufw.conf'
const UFW_DEFAULTS = '/etc/default/ufw'

/** The files by which ufw says what it does; both are sourced by its shell scripts. */
export const UFW_FILES = [UFW_CONF, UFW_DEFAULTS] as const

/** ufw by the texts of ufw.conf and default/ufw; null where it is off (ufw-init-functions of ufw 0.36). */
export const readUfw = (conf: string, defaults: string): Ufw | null => {
  if (!['yes', 'YES'].includes(getVariable(parseShellAssignments(conf), 'ENABLED') ?? '')) return null
  const value = (name: string) => getVariable(parseShellAssignments(defaults), name)
  return {
    drops: value('DEFAULT_INPUT_POLICY') !== 'ACCEPT',
    emptiesInput: value('MANAGE_BUILTINS') === 'yes',
  }
}

const warn = (code: string, path: string, message: string, hint: string): Problem => ({
  severity: 'warning',
  code,
  message,
  hint,
  at: { path },
})

/** portsentry 1.2 reads raw sockets behind netfilter: what INPUT drops, it never sees. */
const findBlindness = ({ live }: Facts, { seesIPv6 }: Release): Problem[] => {
  if (live === null || seesIPv6) return []
  const { ufw, firewalld } = live.neighbours
  const unseen = 'before this portsentry could see it: scans stay unnoticed'
  const blind = (path: string, who: string, hint: string) => [
    warn('blind-portsentry', path, `${who} ${unseen}`, `${hint}, or count on the firewall alone`),
  ]
  if (ufw?.drops) {
    return blind(
      UFW_CONF,
      'ufw drops what it does not allow,',
      'let ufw allow the watched ports (nothing listens there)',
    )
  }
  if (firewalld) {
    return blind(
      '/etc/firewalld',
      'firewalld rejects what its zones do not allow,',
      'add the watched ports to the zone (nothing listens there)',
    )
  }
  if (live.inputPolicy !== 'DROP') return []
  return blind(
    'iptables -S INPUT',
    'INPUT drops what no rule accepts,',
    'accept the watched ports in INPUT (nothing listens there)',
  )
}

/**
 * ufw's jumps are appended to INPUT and bans inserted before them; reloading it, switching it off and on leave the
 * bans there unless it manages the built-in chains (seen with 0.36).
 */
const aboutUfw = ({ emptiesInput }: Ufw, usesInput: boolean): Problem =>
  emptiesInput && usesInput
    ? warn(
        'ufw',
        UFW_DEFAULTS,
        'ufw empties INPUT whenever it starts or is reloaded (MANAGE_BUILTINS=yes): bans are back within a minute',
        'set MANAGE_BUILTINS=no there, or BAN_BACKEND=nft, whose bans ufw does not touch',
      )
    : warn(
        'ufw',
        UFW_CONF,
        'ufw is on: bans go before its rules, so that nothing it allows lifts them, and ufw status does not show them',
        'see portward bans; portward unban ADDRESS lifts one',
      )

/** fw.py and ipXtables.py of firewalld 1.3: a flush takes the rules of iptables, too, whichever its own backend is. */
const FIREWALLD = warn(
  'firewalld',
  '/etc/firewalld',
  'firewalld empties the tables of iptables whenever it starts, stops or is reloaded: bans are back within a minute',
  'set BAN_BACKEND=nft, whose bans stand in a table of their own, which firewalld leaves alone',
)

/** What other tools of the firewall mean for portsentry and for its bans. */
export const findNeighbourTrouble = (settings: Settings, facts: Facts, release: Release): Problem[] => {
  const blindness = findBlindness(facts, release)
  const bans = settings.banBackend !== 'none' || settings.banaction !== undefined
  if (facts.live === null || settings.observeOnly || !bans) return blindness
  const { ufw, firewalld } = facts.live.neighbours
  const isOwnCommand = settings.killRoute !== undefined
  const usesInput =
    isOwnCommand || settings.banBackend === 'iptables' || settings.banaction?.startsWith('iptables') === true
  return [
    ...blindness,
    ...(ufw === null ? [] : [aboutUfw(ufw, usesInput)]),
    ...(firewalld && usesInput ? [FIREWALLD] : []),
  ]
}

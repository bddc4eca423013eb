import type { Facts } from './facts.ts'
import { namesIn } from './fail2ban-values.ts'
import { effective, enabledJails } from './fail2ban-view.ts'
import { viewWith } from './jail.ts'

/** The packages of the programs that fail2ban's actions run, by the beginning of an action's name. */
const PROGRAMS = [
  ['nftables', ['nftables']],
  ['iptables-ipset', ['iptables', 'ipset']],
  ['iptables', ['iptables']],
] as const

/** The packages that this action cannot ban without. */
export const packagesOf = (action: string): readonly string[] =>
  PROGRAMS.find(([name]) => action.startsWith(name))?.[1] ?? []

/**
 * Packages without which the bans of the other enabled jails have no effect, although fail2ban lists them: since 1.1.0 Debian's
 * default is nftables, which fail2ban only recommends. Debian enables the jail sshd also where there is no sshd.
 */
export const packagesOfJails = (facts: Pick<Facts, 'files' | 'packages'>): string[] => {
  const view = viewWith(facts)
  const others = enabledJails(view).filter(
    (jail) => jail !== 'portsentry' && (jail !== 'sshd' || facts.packages.has('openssh-server')),
  )
  const actions = others.flatMap((jail) => namesIn(effective(view, jail, 'action')?.value ?? ''))
  return [...new Set(actions.flatMap(packagesOf))]
}

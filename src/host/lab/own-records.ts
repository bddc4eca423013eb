import { stat, writeFile } from 'node:fs/promises'
import { BANS } from '../../policy/firewall.ts'
import { run } from '../process.ts'
import type { Firewall } from './firewall-copy.ts'

/** Rules of portward's own chain that ban one host each; those for whoever is never to be banned return. */
const BAN_RULE = /^-A PORTWARD .*-s [0-9a-f.:]+\/(?:32|128) (?!.*-j RETURN)/

/** The members of portward's own two sets of banned hosts, as `nft list` prints them. */
const BANNED = /(\n\tset banned6? \{[^}]*?)\n\t+elements = \{[^}]*\}/g

/** A firewall without the bans that portward's own chain or sets hold, however many they are. */
export const withoutOwnBans = (firewall: Firewall): Firewall => {
  const withoutRules = (saved: string) =>
    saved
      .split('\n')
      .filter((line) => !BAN_RULE.test(line))
      .join('\n')
  const withoutMembers = (table: string) =>
    table.startsWith('table inet portward ') ? table.replace(BANNED, '$1') : table
  return {
    ...firewall,
    iptables: withoutRules(firewall.iptables),
    ip6tables: withoutRules(firewall.ip6tables),
    nft: firewall.nft
      .split(/^(?=table |# Warning: table )/m)
      .map(withoutMembers)
      .join(''),
  }
}

/**
 * Empties the lab's copies of what grows on a live server: the history that fail2ban reads, and the record of bans.
 * Otherwise fail2ban would first ban everybody again whom the live one holds, and the proof would take longer the more
 * scanners there are. A file that is missing stays missing: fail2ban does not start without its log.
 */
export const emptyRecords = async (historyPath: string): Promise<void> => {
  for (const [index, path] of [historyPath, BANS].entries()) {
    if (!(await stat(path).catch(() => null))?.isFile()) continue
    try {
      await writeFile(path, '')
    } catch {
      // One that is immutable or append-only on the server is so in the overlay, too: another takes its place.
      const empty = `/run/lab/empty-${index}`
      await writeFile(empty, '', { mode: 0o600 })
      await run('mount', ['--bind', empty, path], `see why ${path} cannot be emptied in the lab`)
    }
  }
}

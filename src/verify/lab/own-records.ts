import { readFile, stat, writeFile } from 'node:fs/promises'
import { BANS_CONF } from '../../policy/ban-set.ts'
import { run } from '../../system/process.ts'
import type { Firewall } from './firewall-copy.ts'
import { DATABASE } from './jail.ts'

/** The members of a ban set, as `nft list` prints them. */
const MEMBERS = /(\n\tset (?:hosts4|hosts6|networks6) \{[^}]*?)\n\t+elements = \{[^}]*\}/g

/** A firewall without the members of the ban sets, however many they are. */
export const withoutBanned = (firewall: Firewall): Firewall => ({
  ...firewall,
  ipset: firewall.ipset.replace(/^add portward-.*\n?/gm, ''),
  nft: firewall.nft
    .split(/^(?=table |# Warning: table )/m)
    .map((table) => (table.startsWith('table inet portward ') ? table.replace(MEMBERS, '$1') : table))
    .join(''),
})

/** Has what is loaded in the lab take its bans from the lab's fail2ban. */
const useDatabase = async (database: string): Promise<void> => {
  const conf = await readFile(BANS_CONF, 'latin1').catch(() => null)
  if (conf !== null)
    await writeFile(BANS_CONF, conf.replace(/^database = .*$/m, `database = ${database}`), 'latin1')
}

/**
 * Empties the lab's copies of what grows on a live server: the history and the bans that fail2ban reads. Otherwise
 * it would first ban again all hosts that the live one has banned, and the proof would take longer the more of them
 * there are. A file that is missing stays missing: fail2ban does not start without its log.
 */
export const emptyRecords = async (historyPath: string): Promise<void> => {
  await useDatabase(DATABASE)
  if (!(await stat(historyPath).catch(() => null))?.isFile()) return
  try {
    await writeFile(historyPath, '')
  } catch {
    // One that is immutable or append-only on the server is so in the overlay, too: another takes its place.
    const empty = '/run/lab/empty'
    await writeFile(empty, '', { mode: 0o600 })
    await run('mount', ['--bind', empty, historyPath], `see why ${historyPath} cannot be emptied in the lab`)
  }
}

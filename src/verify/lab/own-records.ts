import { readFile, stat, writeFile } from 'node:fs/promises'
import { BANS_CONF } from '../../policy/ban-set.ts'
import { run } from '../../system/process.ts'
import type { Firewall } from './firewall-copy.ts'
import { DATABASE } from './jail.ts'

/** The members of a ban set, as `nft list` prints them. */
const MEMBERS = /(\n\tset (?:hosts4|hosts6|networks6) \{[^}]*?)\n\t+elements = \{[^}]*\}/g

/** A firewall without the members of the ban sets. */
export const withoutBanned = (firewall: Firewall): Firewall => ({
  ...firewall,
  ipset: firewall.ipset.replace(/^add portward-.*\n?/gm, ''),
  nft: firewall.nft
    .split(/^(?=table |# Warning: table )/m)
    .map((table) => (table.startsWith('table inet portward ') ? table.replace(MEMBERS, '$1') : table))
    .join(''),
})

/** Has the lab's ban set use the database of the lab's fail2ban. */
const useDatabase = async (database: string): Promise<void> => {
  const conf = await readFile(BANS_CONF, 'latin1').catch(() => null)
  if (conf !== null)
    await writeFile(BANS_CONF, conf.replace(/^database = .*$/m, `database = ${database}`), 'latin1')
}

/**
 * Empties the lab's copies of records that grow on a live server: the history and fail2ban's bans. Otherwise the lab's
 * fail2ban would first ban all those hosts again, which takes time. A missing file is not created: fail2ban does not start
 * without its log, and the lab has to show that.
 */
export const emptyRecords = async (historyPath: string): Promise<void> => {
  await useDatabase(DATABASE)
  if (!(await stat(historyPath).catch(() => null))?.isFile()) return
  try {
    await writeFile(historyPath, '')
  } catch {
    // A file that is immutable or append-only on the server is so in the overlay, too: an empty one is mounted over it.
    const empty = '/run/lab/empty'
    await writeFile(empty, '', { mode: 0o600 })
    await run('mount', ['--bind', empty, historyPath], `see why ${historyPath} cannot be emptied in the lab`)
  }
}

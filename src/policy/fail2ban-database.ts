import type { Problem } from '../problem.ts'
import { ACTION } from './ban-set.ts'
import { type ConfigFile, effective, viewFail2ban } from './fail2ban-view.ts'

const STOCK = '/var/lib/fail2ban/fail2ban.sqlite3'

/** The value of fail2ban's `dbfile`; undefined if no file sets it, or it cannot be resolved. */
const databaseOption = (files: readonly ConfigFile[]) => {
  const dbfile = effective(viewFail2ban(files, 'fail2ban'), 'Definition', 'dbfile')
  return dbfile?.resolved ? { ...dbfile, value: dbfile.value.trim() } : undefined
}

const isNone = (dbfile: string): boolean => /^(?:none|:memory:)$/i.test(dbfile)

/** The file in which fail2ban stores its bans; '' if it does not store them. */
export const findDatabase = (files: readonly ConfigFile[]): string => {
  const path = databaseOption(files)?.value ?? STOCK
  return isNone(path) ? '' : path
}

/**
 * Without a database fail2ban starts without bans, and never bans repeat offenders for longer. Measured on 1.0.2 to 1.1.1,
 * also that another file works like the stock one, and that `dbpurgeage` never ends a ban that is in force.
 */
export const withoutDatabase = (
  files: readonly ConfigFile[],
  directory: string,
  banaction: string,
): Problem[] => {
  const dbfile = databaseOption(files)
  if (dbfile === undefined || !isNone(dbfile.value)) return []
  const bans =
    banaction === ACTION
      ? 'the firewall keeps them, but repeat offenders are not banned for longer'
      : 'all banned hosts are released then, and repeat offenders are not banned for longer'
  return [
    {
      severity: 'warning',
      code: 'no-database',
      message: `dbfile = ${dbfile.value}: fail2ban forgets its bans at a restart; ${bans}`,
      hint: 'remove the line, and fail2ban keeps its bans in /var/lib/fail2ban',
      at: { path: `${directory}/${dbfile.path}`, line: dbfile.line },
    },
  ]
}

import type { Problem } from '../problem.ts'
import { ACTION } from './ban-set.ts'
import { type ConfigFile, effective, viewFail2ban } from './fail2ban-view.ts'

const STOCK = '/var/lib/fail2ban/fail2ban.sqlite3'

/** For how long fail2ban keeps the record of a ban unless it is told otherwise. */
const STOCK_AGE = '1d'

/** The value of an option about fail2ban's database; undefined if no file sets it, or it cannot be resolved. */
const databaseOption = (files: readonly ConfigFile[], name: 'dbfile' | 'dbpurgeage') => {
  const option = effective(viewFail2ban(files, 'fail2ban'), 'Definition', name)
  return option?.resolved ? { ...option, value: option.value.trim() } : undefined
}

const isNone = (dbfile: string): boolean => /^(?:none|:memory:)$/i.test(dbfile)

/** The file in which fail2ban stores its bans; '' if it does not store them. */
export const findDatabase = (files: readonly ConfigFile[]): string => {
  const path = databaseOption(files, 'dbfile')?.value ?? STOCK
  return isNone(path) ? '' : path
}

/** For how long fail2ban keeps the record of a ban after its begin, in its own words (`1d`). Seen: also of one still in force. */
export const findRecordAge = (files: readonly ConfigFile[]): string =>
  databaseOption(files, 'dbpurgeage')?.value || STOCK_AGE

/**
 * Without a database fail2ban starts without bans, and never bans repeat offenders for longer. Measured on 1.0.2 to 1.1.1,
 * also that another file works like the stock one, and that `dbpurgeage` never ends a ban that is in force.
 */
export const withoutDatabase = (
  files: readonly ConfigFile[],
  directory: string,
  banaction: string,
): Problem[] => {
  const dbfile = databaseOption(files, 'dbfile')
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

import type { Problem } from '../problem.ts'
import { type ConfigFile, effective, viewFail2ban } from './fail2ban-view.ts'

/**
 * Where fail2ban keeps no database, it knows nobody when it starts, and never bans longer whoever comes back. Measured on
 * 1.0.2 to 1.1.1, also that another file is as good as the stock one, and that no `dbpurgeage` ends a ban that is in force.
 */
export const withoutDatabase = (
  files: readonly ConfigFile[],
  directory: string,
  banaction: string,
): Problem[] => {
  const dbfile = effective(viewFail2ban(files, 'fail2ban'), 'Definition', 'dbfile')
  if (!dbfile?.resolved || !/^(?:none|:memory:)$/i.test(dbfile.value.trim())) return []
  const bans =
    banaction === 'portward'
      ? 'the firewall keeps them, but repeat offenders are not banned for longer'
      : 'whoever was banned is free again then, and repeat offenders are not banned for longer'
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

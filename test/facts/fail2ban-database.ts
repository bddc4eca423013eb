import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

export const BANS = '/var/lib/fail2ban/fail2ban.sqlite3'

/** Jail, address, begin and length in seconds, ordinal. */
type Row = readonly [string, string, number, number, number]

/** The tables of fail2ban 1.0 to 1.1 (server/database.py). */
const FILL = `
import json, sqlite3, sys
database, rows = sqlite3.connect(sys.argv[1]), json.load(sys.stdin)
columns = 'timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON'
database.execute(f'CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, {columns})')
database.execute(f'CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, {columns}, PRIMARY KEY(ip, jail))')
for table, each in rows.items():
    database.executemany(f'INSERT INTO {table} (jail, ip, timeofban, bantime, bancount) VALUES (?, ?, ?, ?, ?)', each)
database.commit()
`

/** Makes a database of fail2ban with these bans: all of them, and the latest of each host. */
export const fillDatabase = (
  path: string,
  rows: { readonly bans: readonly Row[]; readonly bips: readonly Row[] },
): void => {
  mkdirSync(dirname(path), { recursive: true })
  execFileSync('python3', ['-c', FILL, path], { input: JSON.stringify(rows) })
}

import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { ACTION } from '../../src/policy/ban-set.ts'
import type { Facts } from '../../src/policy/facts.ts'
import { withoutDatabase } from '../../src/policy/fail2ban-database.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const desiredLogpath = (facts: Facts) =>
  plan(settingsOf(LAN), facts).plan?.desired.jails.get('portsentry')?.get('logpath')

const STOCK = {
  path: 'fail2ban.conf',
  text: '[DEFAULT]\ndbfile = /var/lib/fail2ban/fail2ban.sqlite3\n[Definition]\n',
}

const warnings = (banaction: string, path: string, text: string): string[] =>
  withoutDatabase([STOCK, { path, text: `[Definition]\n${text}\n` }], '/etc/fail2ban', banaction).map(
    renderProblem,
  )

const keeps = 'the firewall keeps them, but repeat offenders are not banned for longer'
const loses = 'all banned hosts are released then, and repeat offenders are not banned for longer'
const says = (at: string, value: string, what: string) => [
  `/etc/fail2ban/${at}: warning: dbfile = ${value}: fail2ban forgets its bans at a restart; ${what} — remove the line, and fail2ban keeps its bans in /var/lib/fail2ban`,
]

it('has the jail begin at the end of its log then: at the beginning are those who were released', () => {
  const logpath = (text: string) =>
    desiredLogpath(factsOf({ texts: { '/etc/fail2ban/fail2ban.local': `[Definition]\n${text}\n` } }))
  expect(logpath('dbfile = None')).toBe('/var/lib/portsentry/portsentry.history tail')
  expect(logpath('dbfile = /srv/x')).toBe('/var/lib/portsentry/portsentry.history')
})

it.each([
  [ACTION, 'fail2ban.local', 'dbfile = None', says('fail2ban.local:2', 'None', keeps)],
  ['iptables-allports', 'fail2ban.local', 'dbfile = None', says('fail2ban.local:2', 'None', loses)],
  [ACTION, 'fail2ban.d/x.conf', 'dbfile = :memory:', says('fail2ban.d/x.conf:2', ':memory:', keeps)],
  [ACTION, 'fail2ban.local', 'dbfile = /srv/x.sqlite3', []],
  [ACTION, 'fail2ban.local', 'dbpurgeage = 60', []],
  [ACTION, 'jail.local', 'dbfile = None', []],
])('%s, %s: %s', (banaction, path, text, expected) => {
  expect(warnings(banaction, path, text)).toEqual(expected)
})

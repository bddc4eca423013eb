import { expect, it } from 'vitest'
import { isMadeFor } from '../../src/generations/take.ts'

it.each([
  ['/etc/portsentry', 'portsentry'],
  ['/etc/portsentry/portsentry.ignore', 'portsentry'],
  ['/etc/portsentry/theirs', null],
  ['/var/lib/portsentry/portsentry.history', 'portsentry'],
  ['/etc/fail2ban/action.d', 'fail2ban'],
  ['/etc/fail2ban/jail.local', null],
  ['/etc/fail2ban/jail.d/theirs.conf', null],
  ['/var/lib/fail2ban/fail2ban.sqlite3', 'fail2ban'],
  ['/etc/hosts.deny', 'libwrap0'],
])('%s was made for the package %s', (path, owner) => {
  const packages = ['portsentry', 'iptables', 'fail2ban', 'libwrap0']
  expect(packages.filter((name) => isMadeFor([name], path))).toEqual(owner === null ? [] : [owner])
})

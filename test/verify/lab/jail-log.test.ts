import { expect, it } from 'vitest'
import { type JailLog, parseJailLog } from '../../../src/verify/lab/jail.ts'

/** As fail2ban 1.0 to 1.1 writes it. */
const line = (module: string, level: string, message: string): string =>
  `2026-11-22 00:08:14,123 ${module.padEnd(24)}[77]: ${level.padEnd(7)} ${message}\n`

const started = (jail: string): string =>
  line('fail2ban.jail', 'INFO', `Creating new jail '${jail}'`) +
  line('fail2ban.filter', 'INFO', '  maxRetry: 1') +
  line('fail2ban.jail', 'INFO', `Jail '${jail}' started`)
const notice = (message: string): string => line('fail2ban.actions', 'NOTICE', message)

const NOTHING: JailLog = { jails: [], maxretry: 1, found: [], banned: [], errors: [] }

it.each<[what: string, text: string, expected: Partial<JailLog>]>([
  ['nothing', '', {}],
  ['a jail', started('portsentry'), { jails: ['portsentry'] }],
  ['a jail that is made and does not start', line('fail2ban.jail', 'INFO', "Creating new jail 'sshd'"), {}],
  ['two jails', started('sshd') + started('portsentry'), { jails: ['sshd', 'portsentry'] }],
  ['another maxretry', line('fail2ban.filter', 'INFO', '  maxRetry: 3'), { maxretry: 3 }],
  ['a ban', notice('[portsentry] Ban 198.51.100.9'), { banned: ['198.51.100.9'] }],
  ['a ban of IPv6', notice('[portsentry] Ban 2001:db8:bad::fe'), { banned: ['2001:db8:bad::fe'] }],
  ['a ban that comes again', notice('[portsentry] Restore Ban 198.51.100.9'), { banned: ['198.51.100.9'] }],
  ['a ban of another jail', notice('[sshd] Ban 198.51.100.9'), {}],
  ['an unban', notice('[portsentry] Unban 198.51.100.9'), {}],
  [
    'what is only found',
    line('fail2ban.filter', 'INFO', '[portsentry] Found 198.51.100.9 - 2026'),
    { found: ['198.51.100.9'] },
  ],
  ['what is ignored', line('fail2ban.filter', 'INFO', '[portsentry] Ignore 192.168.1.9 by ip'), {}],
  [
    'an error',
    line('fail2ban.utils', 'ERROR', "7f2c -- stderr: '/bin/sh: 1: nft:   not found'"),
    { errors: ["7f2c -- stderr: '/bin/sh: 1: nft: not found'"] },
  ],
  [
    'the end of all',
    line('fail2ban', 'CRITICAL', 'Unhandled exception in fail2ban-server'),
    { errors: ['Unhandled exception in fail2ban-server'] },
  ],
  ['a warning', line('fail2ban.actions', 'WARNING', '[portsentry] 198.51.100.9 already banned'), {}],
])('%s', (_what, text, expected) => {
  expect(parseJailLog(text)).toEqual({ ...NOTHING, ...expected })
})

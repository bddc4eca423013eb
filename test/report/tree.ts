import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { BANS, fillDatabase } from '../facts/fail2ban-database.ts'
import { copyOf, fixtures, writeInto } from '../tree.ts'

export const HISTORY = 'var/lib/portsentry/portsentry.history'
export const NOW_S = Math.floor(Date.now() / 1000)
/** Seconds. */
export const HOUR = 3600

export const line12 = (hoursAgo: number, host: string, port: number, name = host): string =>
  `${NOW_S - hoursAgo * HOUR} - 11/21/2026 19:16:32 Host: ${name}/${host} Port: ${port} TCP Blocked\n`

export const [A, B] = ['203.0.113.9', '198.51.100.23'] as const

/** The sample server with a history of three files, and three bans. */
export const scannedServer = (): string => {
  const root = copyOf(join(fixtures, 'sample-server'))
  writeInto(root, {
    [HISTORY]: line12(1, A, 23),
    [`${HISTORY}.1`]: line12(30, A, 23) + line12(29, B, 22),
    'etc/services': 'telnet 23/tcp\n',
  })
  writeFileSync(join(root, `${HISTORY}.2.gz`), gzipSync(line12(24 * 40, B, 1) + line12(24 * 20, A, 80)))
  fillDatabase(join(root, BANS), {
    bans: [
      ['portsentry', A, NOW_S - 30 * HOUR, 3600, 1],
      ['portsentry', A, NOW_S - HOUR, 86_400, 2],
      ['portsentry', B, NOW_S - 29 * HOUR, 3600, 1],
    ],
    bips: [['portsentry', A, NOW_S - HOUR, 86_400, 2]],
  })
  return root
}

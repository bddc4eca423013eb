import { expect, it } from 'vitest'
import { parseUris } from '../../src/facts/packages.ts'

const MIRROR = 'http://mirror.example/debian/pool/main'

it.each([
  ['nothing to fetch', '', []],
  [
    'a plain version',
    `'${MIRROR}/f/fail2ban/fail2ban_1.0.2-2_all.deb' fail2ban_1.0.2-2_all.deb 451040 MD5Sum:00\n`,
    [{ name: 'fail2ban', version: '1.0.2-2', archive: 'fail2ban_1.0.2-2_all.deb', size: 451040 }],
  ],
  [
    'an epoch, and a plus sign, which is escaped in the address only',
    [
      `'${MIRROR}/p/procps/procps_4.0.2-3_amd64.deb' procps_2%3a4.0.2-3_amd64.deb 709112 MD5Sum:00`,
      `'${MIRROR}/p/portsentry/portsentry_1.2-14%2bb1_amd64.deb' portsentry_1.2-14+b1_amd64.deb 70976 SHA256:00`,
      '',
    ].join('\n'),
    [
      { name: 'procps', version: '2:4.0.2-3', archive: 'procps_2%3a4.0.2-3_amd64.deb', size: 709112 },
      {
        ...{ name: 'portsentry', version: '1.2-14+b1' },
        ...{ archive: 'portsentry_1.2-14+b1_amd64.deb', size: 70976 },
      },
    ],
  ],
  [
    'a local repository with a space in its path',
    "'file:/srv/my mirror/tcpd_7.6.q-32_amd64.deb' tcpd_7.6.q-32_amd64.deb 23376 \n",
    [{ name: 'tcpd', version: '7.6.q-32', archive: 'tcpd_7.6.q-32_amd64.deb', size: 23376 }],
  ],
  ['other lines', 'Reading package lists...\nE: Unable to locate package x\n', []],
])('reads what apt would fetch: %s', (_, output, expected) => {
  expect(parseUris(output)).toEqual(expected)
})

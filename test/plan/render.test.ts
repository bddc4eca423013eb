import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { BANS_CONF, DENIED } from '../../src/policy/ban-set.ts'
import { factsOf, jailed, LAN, settingsOf } from './live.ts'
import { textOf } from './plan-text.ts'

const rendered = (changes: Parameters<typeof factsOf>[0]): string => {
  const result = plan(settingsOf(LAN), factsOf(changes))
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return textOf(result.plan)
}

/** hosts.deny as it is where a daemon asks. */
const WRAPPED = {
  '/etc/hosts.deny': `ALL: ${DENIED}\n`,
  [BANS_CONF]: (factsOf().files.get(BANS_CONF)?.text ?? '').replace(/^denied =$/m, `denied = ${DENIED}`),
}

const NONE = 'no daemon here is known to use hosts.allow and hosts.deny'
const SSHD = 'hosts.allow and hosts.deny are used here by /usr/sbin/sshd'
const TITLE = 'portsentry 1.2 with an init script (Debian 12)'

it.each([
  ['in sync', { wrapped: [] }, `${TITLE}: in sync, nothing to do (modes atcp and audp); ${NONE}\n`],
  [
    'in sync, with wrappers',
    { wrapped: ['/usr/sbin/sshd'], texts: WRAPPED },
    `${TITLE}: in sync, nothing to do (modes atcp and audp); ${SSHD}\n`,
  ],
  [
    'steps',
    { live: { jailed: jailed('192.168.1.20') } },
    `${TITLE}\n\nbans         release 192.168.1.20, which is protected but banned\n`,
  ],
])('%s', (_, changes, expected) => {
  expect(rendered(changes)).toBe(expected)
})

it.each([
  [[], 'no daemon here is known to read it; it is for those that come later'],
  [['sshd', 'vsftpd'], 'read here by sshd, vsftpd'],
  [null, 'a copy of /etc does not show which daemons read it'],
])('says who reads hosts.allow where it is edited: %j', (wrapped, expected) => {
  const text = rendered({ wrapped, texts: { ...WRAPPED, '/etc/hosts.allow': '' } })
  expect(/^hosts\.allow {2}lets in .*\n {13}(.*)$/m.exec(text)?.[1]).toBe(expected)
})

it('does not say "in sync" without what has to be known beside it', () => {
  const result = plan(settingsOf(LAN), factsOf({}))
  const text =
    result.plan === null
      ? ''
      : textOf(result.plan, { caveats: ['generation 3 is not confirmed', 'not root: …'] })
  expect(Buffer.from(text, 'latin1').toString('utf8')).toMatch(
    /: in sync, nothing to do .*\nbut generation 3 is not confirmed\nbut not root: …\n$/,
  )
})

it.each([
  ['LAN_IP=192.168.1.10\nLAN_NM=24\n', undefined],
  ['', "the server's own addresses, its gateways and name servers."],
  ['WHITELIST=192.0.2.7\n', "the server's own addresses, its gateways and name servers, and WHITELIST."],
  [
    'WHITELIST_SERVICES=1\n',
    "the server's own addresses, its gateways and name servers, and WHITELIST_SERVICES.",
    { '/etc/rsyslog.d/remote.conf': '*.* @192.0.2.7\n' },
  ],
])(
  'says who is protected where there is no LAN: %j',
  (config, expected, texts: Readonly<Record<string, string>> = {}) => {
    const result = plan(settingsOf(config), factsOf({ texts }))
    const text = result.plan === null ? '' : textOf(result.plan)
    expect(/^LAN_IP and LAN_NM are not set: no LAN is protected, only (.*)$/m.exec(text)?.[1]).toBe(expected)
  },
)

it("prints apt's words as the bytes that they are", () => {
  const text = rendered({ unknown: ['E: Paket »x« fehlt'] })
  expect(Buffer.from(text, 'latin1').toString('utf8')).toContain('not exact: E: Paket »x« fehlt\n')
})

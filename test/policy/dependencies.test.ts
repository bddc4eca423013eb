import { expect, test } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { renderProblem } from '../../src/problem.ts'
import { hostsOf } from '../networks.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

type Changes = NonNullable<Parameters<typeof factsOf>[0]>

const RSYSLOG = '/etc/rsyslog.d/remote.conf'
const CHRONY = '/etc/chrony/chrony.conf'
const SOURCES = '/etc/apt/sources.list'

/** The warnings about hosts that the server depends on. */
const told = (texts: Changes['texts'] = {}, config = '', changes: Changes = {}): string[] => {
  const { problems } = plan(settingsOf(LAN + config), factsOf({ ...changes, texts }))
  return problems.filter(({ code }) => code.endsWith('-dependency')).map(renderProblem)
}

const SYSLOG = { [RSYSLOG]: '*.* @192.0.2.7\n' }

test('all that are written as addresses in one line, with what protects them', () => {
  const texts = { ...SYSLOG, [CHRONY]: '\nserver 192.0.2.1\nserver 192.168.1.3\nserver 192.0.2.7\n' }
  expect(told(texts)).toEqual([
    `config.env: warning: this server depends on 192.0.2.7 (remote syslog, ${RSYSLOG}:1), 192.0.2.1 (NTP, ${CHRONY}:2), which WHITELIST does not protect: a forged packet with their source address gets them banned — add 192.0.2.7 192.0.2.1 to WHITELIST, or set WHITELIST_SERVICES=1`,
  ])
})

test.each<[string, Changes['texts'], string, Changes]>([
  ['none', {}, '', {}],
  ['one in WHITELIST', SYSLOG, 'WHITELIST=192.0.2.0/24\n', {}],
  ['one that is a gateway', SYSLOG, '', { live: { gateways: hostsOf('192.0.2.7') } }],
  ['an IPv6 one, which 1.2 does not see', { [CHRONY]: 'server 2001:db8::123\n' }, '', {}],
  ['where nobody is banned', SYSLOG, 'OBSERVE_ONLY=1\n', {}],
  [
    'names that many hosts share',
    { [SOURCES]: 'deb http://x.debian.org/debian x main\n', [CHRONY]: 'pool 2.debian.pool.ntp.org\n' },
    'WHITELIST=198.51.100.7\n',
    {},
  ],
])('nothing about %s', (_, texts, config, changes) => {
  expect(told(texts, config, changes).filter((line) => line.includes('unresolved'))).toEqual([])
  expect(told(texts, config, changes)).toEqual([])
})

test('names only where the whitelist is about to be written', () => {
  const texts = { [SOURCES]: 'deb http://mirror.example/debian bookworm main\n' }
  expect(told(texts)).toEqual([])
  expect(told(texts, 'WHITELIST=198.51.100.7\n')).toEqual([
    `config.env:3: warning: this server depends on mirror.example (apt, ${SOURCES}:1); it was not checked whether WHITELIST has their addresses: a forged packet with their source address gets them banned — set WHITELIST_SERVICES=1, or add their names to WHITELIST, unless it has their addresses`,
  ])
})

test('a name server on this server, whose own name servers are not known', () => {
  const live = { resolvers: hostsOf('127.0.0.1') }
  expect(told({}, 'WHITELIST=198.51.100.7\n', { live }).join()).toContain(
    'depends on the name servers that 127.0.0.1 asks (/etc/resolv.conf); it was not checked whether',
  )
  expect(told({}, '', { live })).toEqual([])
})

import { describe, expect, it, test } from 'vitest'
import type { Answer } from '../../src/facts/host-names.ts'
import { formatNetwork } from '../../src/network.ts'
import {
  asRecorded,
  describeChanges,
  NAMES_PATH,
  namesToAsk,
  parseNames,
  renderNames,
  resolveHosts,
} from '../../src/policy/host-names.ts'
import { renderProblem } from '../../src/problem.ts'
import { hostsOf } from '../networks.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const NAME = 'home.example.net'
const SYSLOG = '/etc/rsyslog.d/remote.conf'
const CHRONY = '/etc/chrony/chrony.conf'

/** `today`: the answer of each name, `nobody`: of names that do not exist; null: a tree. */
interface Given {
  readonly config?: string
  readonly today?: Readonly<Record<string, Answer>> | null
  readonly nobody?: string
  readonly recorded?: readonly string[]
  readonly texts?: Readonly<Record<string, string>>
}

const factsFor = ({ today = {}, nobody = '', recorded = [], texts = {} }: Given) =>
  factsOf({
    live:
      today === null
        ? null
        : {
            names: { byName: new Map(Object.entries(today)), ofNobody: nobody === '' ? [] : hostsOf(nobody) },
          },
    texts: { ...texts, [NAMES_PATH]: recorded.length === 0 ? null : `# x\n${recorded.join('\n')}\n` },
  })

const resolved = (given: Given) => {
  const settings = settingsOf(`${LAN}${given.config ?? `WHITELIST=${NAME}\n`}`)
  const { hosts, record, problems } = resolveHosts(settings, factsFor(given))
  return {
    hosts: hosts.map(({ kind, host, addresses }) => [kind, host, ...addresses.map(formatNetwork)].join(' ')),
    record: record?.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
    problems: problems.map(({ severity, code }) => `${severity} ${code}`),
    messages: problems.map(renderProblem).join('\n'),
  }
}

const HOME = hostsOf('198.51.100.7')
const many = (count: number) => hostsOf(...Array.from({ length: count }, (_, index) => `198.51.100.${index}`))

describe('the answer of today', () => {
  it.each<[what: string, today: Answer, nobody: string, fault: RegExp | null]>([
    ['one address', HOME, '', null],
    ['both families', hostsOf('198.51.100.7', '2001:db8::7'), '', null],
    ['a private one', hostsOf('192.168.7.7'), '', null],
    ['no answer', 'resolves to nothing', '', /resolves to nothing/],
    ['an empty one', [], '', /resolves to no address/],
    ['loopback', hostsOf('127.0.1.1'), '', /resolves to 127\.0\.1\.1, an address that no other host can have/],
    ['nothing', hostsOf('0.0.0.0'), '', /0\.0\.0\.0, an address/],
    ['link-local', hostsOf('198.51.100.7', 'fe80::1'), '', /fe80::1, an address/],
    ['multicast', hostsOf('239.1.1.1'), '', /239\.1\.1\.1, an address/],
    ['loopback of IPv6', hostsOf('::1'), '', /::1, an address/],
    ['that of any name', HOME, '198.51.100.7', /198\.51\.100\.7, which the name server also gives for names that do not exist/],
    ['another one than that of any name', HOME, '198.51.100.8', null],
    ['as many as one host may have', many(16), '', null],
    ['those of a provider', many(17), '', /resolves to 17 addresses, more than the 16 of one host/],
  ])('%s', (_, answer, nobody, fault) => {
    const first = resolved({ today: { [NAME]: answer }, nobody })
    expect(first.problems).toEqual(fault === null ? [] : ['error unresolved-name'])
    const later = resolved({ today: { [NAME]: answer }, nobody, recorded: [`whitelist ${NAME} 203.0.113.1`] })
    expect(later.problems).toEqual(fault === null ? [] : ['warning stale-name'])
    if (fault === null) return expect(later.record?.join()).not.toContain('203.0.113.1')
    expect(first.messages).toMatch(fault)
    expect(later.messages).toMatch(fault)
    expect(later.messages).toContain('203.0.113.1 stays protected')
    expect(later.record).toEqual([`whitelist ${NAME} 203.0.113.1`])
  }) // biome-ignore format: a table
})

describe('whose addresses are protected', () => {
  it.each<[what: string, given: Given, hosts: string[], problems: string[]]>([
    ['none', { config: 'WHITELIST=198.51.100.7\n' }, [], []],
    ['a name', { today: { [NAME]: HOME } }, [`whitelist ${NAME} 198.51.100.7`], []],
    ['a name that nobody has looked up', {}, [`whitelist ${NAME}`], ['warning unresolved-name']],
    ['a tree, as recorded', { today: null, recorded: [`whitelist ${NAME} 198.51.100.7`] }, [`whitelist ${NAME} 198.51.100.7`], []],
    ['a tree, not recorded yet', { today: null }, [`whitelist ${NAME}`], ['warning unresolved-name']],
    ['services, not asked for', { config: '', texts: { [SYSLOG]: '*.* @192.0.2.7\n' } }, [], []],
    [
      'services',
      { config: 'WHITELIST_SERVICES=1\n', texts: { [SYSLOG]: '*.* @192.0.2.7\n', [CHRONY]: 'server time.example.net\npool 2.debian.pool.ntp.org\nserver 192.0.2.7\n' }, today: { 'time.example.net': HOME } },
      ['service 192.0.2.7 192.0.2.7', 'service time.example.net 198.51.100.7'],
      [],
    ],
    [
      'a service without an answer',
      { config: 'WHITELIST_SERVICES=1\n', texts: { [CHRONY]: 'server loghost\n' }, today: { loghost: 'resolves to nothing' } },
      ['service loghost'],
      ['warning unresolved-dependency'],
    ],
    [
      'not a service of many hosts, whose answers change all the time',
      { config: 'WHITELIST_SERVICES=1\n', texts: { [CHRONY]: 'server cdn.example.net\nserver two.example.net\n' }, today: { 'cdn.example.net': hostsOf('198.51.100.1', '198.51.100.2', '198.51.100.3'), 'two.example.net': hostsOf('198.51.100.4', '198.51.100.5', '2001:db8::1', '2001:db8::2') } },
      ['service cdn.example.net', 'service two.example.net 198.51.100.4 198.51.100.5 2001:db8::1 2001:db8::2'],
      [],
    ],
    [
      'a service of many hosts in a tree',
      { config: 'WHITELIST_SERVICES=1\n', texts: { [CHRONY]: 'server cdn.example.net\n' }, today: null, recorded: ['service cdn.example.net several hosts'] },
      ['service cdn.example.net'],
      [],
    ],
    [
      'neither the server itself nor everybody',
      { config: 'WHITELIST_SERVICES=1\n', texts: { '/etc/zabbix/zabbix_agentd.conf': 'Server=127.0.0.1,::1,localhost,0.0.0.0/0,192.0.2.16/28\n' } },
      ['service 192.0.2.16/28 192.0.2.16/28'],
      [],
    ],
    [
      'a service that WHITELIST names',
      { config: `WHITELIST=${NAME}\nWHITELIST_SERVICES=1\n`, texts: { [CHRONY]: `server ${NAME}\n` }, today: { [NAME]: HOME } },
      [`whitelist ${NAME} 198.51.100.7`],
      [],
    ],
  ])('%s', (_, given, hosts, problems) => {
    const result = resolved(given)
    expect(result.hosts).toEqual(hosts)
    expect(result.problems).toEqual(problems)
  }) // biome-ignore format: a table
})

test('that a service has many hosts is recorded', () => {
  const config = 'WHITELIST_SERVICES=1\n'
  const texts = { [CHRONY]: 'server cdn.example.net\n' }
  expect(resolved({ config, texts, today: { 'cdn.example.net': many(3) } }).record).toEqual([
    'service cdn.example.net several hosts',
    'services are protected',
  ])
})

test('the names that are looked up', () => {
  const { files } = factsFor({ texts: { [CHRONY]: 'server Time.example.net\nserver 192.0.2.1\n' } })
  const config = `${LAN}WHITELIST="192.0.2.9 ${NAME}"\n`
  expect(namesToAsk(settingsOf(config), { files })).toEqual([NAME])
  expect(namesToAsk(settingsOf(`${config}WHITELIST_SERVICES=1\n`), { files })).toEqual([
    NAME,
    'time.example.net',
  ])
})

test('as recorded, a server has the services of the last apply', () => {
  const recorded = ['service 192.0.2.7 192.0.2.7', 'services are protected', `whitelist ${NAME} 198.51.100.7`]
  const facts = factsFor({ recorded, texts: { [SYSLOG]: '*.* @192.0.2.8\n' }, today: { [NAME]: hostsOf('203.0.113.9') } })
  const settings = settingsOf(`${LAN}WHITELIST=${NAME}\nWHITELIST_SERVICES=1\n`)
  expect(resolveHosts(settings, asRecorded(facts)).record).toContain(recorded.join('\n'))
  expect(resolveHosts(settings, facts).record).toContain(
    `service 192.0.2.8 192.0.2.8\nservices are protected\nwhitelist ${NAME} 203.0.113.9\n`,
  )
}) // biome-ignore format: long lines

test('the record is read as it was written, in one order', () => {
  const hosts = [
    { kind: 'whitelist' as const, host: NAME, addresses: HOME, isPool: false },
    { kind: 'service' as const, host: 'loghost', addresses: [], isPool: false },
    { kind: 'service' as const, host: 'cdn.example.net', addresses: [], isPool: true },
  ]
  const text = renderNames(hosts, false) ?? ''
  expect(parseNames(text)).toEqual([...hosts].reverse())
  expect(renderNames([...hosts].reverse(), false)).toBe(text)
  expect(renderNames([], false)).toBe(null)
  expect(parseNames(renderNames([], true) ?? '')).toEqual([])
})

describe('a change in words', () => {
  const record = (...addresses: string[]) =>
    renderNames([{ kind: 'whitelist', host: NAME, addresses: hostsOf(...addresses), isPool: false }], false)
  it.each<[before: string | null, after: string | null, words: string[]]>([
    [null, record('198.51.100.7'), [`${NAME} (198.51.100.7)`]],
    [record('198.51.100.7'), record('198.51.100.8'), [`${NAME} (198.51.100.8), 198.51.100.7 before`]],
    [record('198.51.100.7'), record('198.51.100.7'), []],
    [record('198.51.100.7'), null, [`${NAME}: not any more`]],
    [null, 'service cdn.example.net several hosts', ['cdn.example.net (several hosts, not protected)']],
  ])('%#', (before, after, words) => expect(describeChanges(before, after)).toEqual(words))
})

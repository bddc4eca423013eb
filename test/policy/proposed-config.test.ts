import { describe, expect, it } from 'vitest'
import type { Proposal } from '../../src/policy/proposal.ts'
import { configFor, describeProposal, says } from '../../src/policy/proposed-config.ts'
import { settingsOf } from '../plan/live.ts'
import { network } from './topology.ts'

const NAME = /[g-z]/

/** `192.168.1.10/24`, `none` or `unknown`, and what the variables name. */
const proposal = (lan: string, whitelist = '', untrusted = ''): Proposal => ({
  candidates: [],
  lan: lan === 'unknown' ? undefined : lan === 'none' ? null : network(lan),
  lanReason: 'because',
  choices: [
    ...whitelist.split(' ').filter(Boolean).filter((text) => !NAME.test(text)).map((text) => ({ text, variable: 'WHITELIST' as const })),
    ...untrusted.split(' ').filter(Boolean).map((text) => ({ text, variable: 'UNTRUSTED' as const })),
    { text: '198.51.100.99', variable: null },
  ].map(({ text, variable }) => ({ network: network(text), device: null, variable, reason: '' })),
  names: [
    ...whitelist.split(' ').filter((text) => NAME.test(text)).map((name) => ({ name, isProposed: true, reason: '' })),
    { name: 'left.example.net', isProposed: false, reason: '' },
  ],
  remarks: [],
}) // biome-ignore format: a table

const HOME = '192.168.1.10/24'
const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

describe('a config.env that exists', () => {
  it.each<[what: string, text: string, wanted: Proposal, expected: string]>([
    ['as it should be', `${LAN}WHITELIST=10.1.1.1\n`, proposal(HOME, '10.1.1.1'), `${LAN}WHITELIST=10.1.1.1\n`],
    ['the LAN by its network', 'LAN_IP=192.168.1.0\nLAN_NM=/24\n', proposal(HOME), 'LAN_IP=192.168.1.0\nLAN_NM=/24\n'],
    ['another LAN', `# x\n${LAN}`, proposal('10.2.0.5/16'), '# x\nLAN_IP=10.2.0.5\nLAN_NM=255.255.0.0\n'],
    ['another netmask', LAN, proposal('192.168.1.10/25'), 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.128\n'],
    ['no LAN', `${LAN}A=1\n`, proposal('none'), 'A=1\n'],
    ['nothing of portward', 'A=1\n', proposal(HOME, '10.1.1.1'), 'A=1\nLAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nWHITELIST=10.1.1.1\n'],
    ['a longer list', 'WHITELIST=10.1.1.1\n', proposal('none', '10.1.1.1 fd00::/64'), 'WHITELIST=10.1.1.1,fd00::/64\n'],
    ['a name more', 'WHITELIST=10.1.1.1\n', proposal('none', '10.1.1.1 home.example.net'), 'WHITELIST=10.1.1.1,home.example.net\n'],
    ['a name that stays', 'WHITELIST=Home.example.net\n', proposal('none', 'home.example.net'), 'WHITELIST=Home.example.net\n'],
    ['a name less', 'WHITELIST="10.1.1.1 home.example.net"\n', proposal('none', '10.1.1.1'), 'WHITELIST=10.1.1.1\n'],
    ['a shorter list', "WHITELIST='10.1.1.1 10.1.1.2'\n", proposal('none', '10.1.1.2'), 'WHITELIST=10.1.1.2\n'],
    ['no list', 'WHITELIST=10.1.1.1\nUNTRUSTED=10.7.0.0/16\n', proposal('none'), ''],
    ['an empty list', `${LAN}WHITELIST=\n`, proposal(HOME), `${LAN}WHITELIST=\n`],
    ['from one list to the other', `${LAN}WHITELIST=10.7.0.0/16\n`, proposal(HOME, '', '10.7.0.0/16'), `${LAN}UNTRUSTED=10.7.0.0/16\n`],
    ['what cannot be read', 'LAN_IP=x\nWHITELIST=y\n', proposal(HOME, '10.1.1.1'), 'LAN_IP=192.168.1.10\nWHITELIST=10.1.1.1\nLAN_NM=255.255.255.0\n'],
  ])('%s', (_, text, wanted, expected) => {
    const isReadable = !text.includes('=x')
    const result = configFor(wanted, text, isReadable ? settingsOf(text) : null)
    expect(result).toBe(expected)
    expect(says(settingsOf(result), wanted)).toBe(true)
    expect(configFor(wanted, result, settingsOf(result))).toBe(result)
  }) // biome-ignore format: a table
})

describe('whether config.env says it', () => {
  it.each<[text: string, wanted: Proposal, is: boolean]>([
    ['', proposal('none'), true],
    ['', proposal(HOME), false],
    [LAN, proposal('none'), false],
    [LAN, proposal('192.168.1.10/25'), false],
    [`${LAN}WHITELIST=10.1.1.1\n`, proposal(HOME), false],
    [LAN, proposal(HOME, '10.1.1.1'), false],
    [LAN, proposal(HOME, 'home.example.net'), false],
    [`${LAN}WHITELIST=home.example.net\n`, proposal(HOME), false],
    [`${LAN}UNTRUSTED=10.7.0.0/16\n`, proposal(HOME, '', '10.7.0.0/16'), true],
    [LAN, proposal(HOME, '', '10.7.0.0/16'), false],
  ])('%j', (text, wanted, is) => expect(says(settingsOf(text), wanted)).toBe(is))
})

it.each<[wanted: Proposal, text: string]>([
  [proposal(HOME), 'proposes LAN_IP=192.168.1.10 LAN_NM=255.255.255.0'],
  [proposal('none', '10.1.1.1 10.1.1.2'), "proposes WHITELIST='10.1.1.1 10.1.1.2'"],
  [proposal('none'), 'proposes no LAN (because)'],
  [proposal('unknown', '10.1.1.1'), 'asks for the LAN (because)'],
])('is described for a message', (wanted, text) => expect(describeProposal(wanted)).toBe(text))

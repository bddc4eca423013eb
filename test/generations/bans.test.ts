import { expect, it } from 'vitest'
import { releasedBy } from '../../src/generations/bans.ts'
import { type Network, parseNetwork } from '../../src/network.ts'

const networks = (...all: readonly string[]) => all.map((text) => parseNetwork(text) as Network)
const PROTECTED = networks('127.0.0.0/8', '192.168.1.0/24', '2001:db8:1::/64')
const KNOWN = '203.0.113.1'
const HOSTS = ['203.0.113.9', '192.168.1.7', '2001:db8:1::7']

it.each<
  [string, as: Parameters<typeof releasedBy>[0], before: readonly Network[] | null, released: string[]]
>([
  [
    'an apply that failed releases no host that was banned meanwhile, unless the earlier configuration protects it',
    'undone',
    PROTECTED,
    ['192.168.1.7', '2001:db8:1::7'],
  ],
  ['without a ban set before no host had been banned', 'undone', null, HOSTS],
  ['a configuration that protects no host', 'undone', [], []],
  ['a rollback releases all of them', 'rolled-back', PROTECTED, HOSTS],
])('%s', (_what, as, before, released) => {
  expect([...HOSTS, KNOWN].filter(releasedBy(as, { addresses: [KNOWN] }, before))).toEqual(released)
})

import { expect, it } from 'vitest'
import { nftDrops } from '../../src/host/lab/nft-drops.ts'

const TABLE = { family: 'inet', table: 'filter' }
const match = (left: unknown, right: unknown) => ({ match: { op: '==', left, right } })
const dport = (...ports: number[]) => match({ payload: { protocol: 'tcp', field: 'dport' } }, { set: ports })
const source = (right: string) => match({ payload: { protocol: 'ip', field: 'saddr' } }, right)
const ACCEPT = { accept: null }
const DROP = { drop: null }
const REJECT = { reject: { type: 'icmpx', expr: 'admin-prohibited' } }

/** What `nft -j` prints of an input chain with these rules, and of a chain `web` that they may jump to. */
const ruleset = (rules: readonly (readonly object[])[], policy = 'accept', web: readonly object[] = []) =>
  JSON.stringify({
    nftables: [
      { metainfo: {} },
      { chain: { ...TABLE, name: 'web' } },
      { chain: { ...TABLE, name: 'input', type: 'filter', hook: 'input', prio: 0, policy } },
      { rule: { ...TABLE, chain: 'web', handle: 4, expr: web } },
      ...rules.map((expr, index) => ({ rule: { ...TABLE, chain: 'input', handle: index + 5, expr } })),
    ],
  })

const INPUT = 'nft inet filter input:'

it.each<[what: string, json: string, expected: string[]]>([
  ['nothing', ruleset([]), []],
  ['what is not JSON', '', []],
  ['a last rule that rejects', ruleset([[dport(22, 443), ACCEPT], [REJECT]]), [`${INPUT} reject`]],
  ['one that drops', ruleset([[{ counter: {} }, DROP]]), [`${INPUT} drop`]],
  ['one that drops some', ruleset([[dport(23), DROP]]), [`${INPUT} drop`]],
  [
    'one in a chain',
    ruleset([[{ jump: { target: 'web' } }]], 'accept', [REJECT]),
    ['nft inet filter web: reject'],
  ],
  ['one in a chain that nobody jumps to', ruleset([], 'accept', [REJECT]), []],
  ['one for others', ruleset([[source('203.0.113.9'), DROP]]), []],
  [
    'one for the host',
    ruleset([[source('198.51.100.254'), DROP]]),
    [`${INPUT} ip saddr 198.51.100.254 drop`],
  ],
  ['one behind a rule that lets all in', ruleset([[ACCEPT], [REJECT]]), []],
  // This one is read from the text.
  ['a policy', ruleset([], 'drop'), []],
])('finds %s', (_what, json, expected) => {
  expect(nftDrops('', json, true, ['198.51.100.254'])).toEqual(expected)
})

it('finds a policy, and tells each thing once', () => {
  const policy = 'type filter hook input priority filter; policy drop;'
  const text = `table inet filter {\n\tchain input {\n\t\t${policy}\n\t}\n}\n`
  const hosts = ['198.51.100.254', '198.51.100.253', '2001:db8::1']
  expect(nftDrops(text, ruleset([[REJECT]]), true, hosts)).toEqual([policy, `${INPUT} reject`])
})

it('has nothing to say of rules where everybody was heard', () => {
  expect(nftDrops('', ruleset([[REJECT]]), true, [])).toEqual([])
})

import { expect, it } from 'vitest'
import { withoutBanned } from '../../../src/verify/lab/own-records.ts'

const NONE = { iptables: '', ip6tables: '', nft: '', ipset: '' }

const TABLE = (name: string, elements: string): string => `table inet ${name} {
	set mine {
		type ipv4_addr
		flags interval
		elements = { 127.0.0.0/8, 192.168.1.0/24 }
	}

	set hosts4 {
		type ipv4_addr
		flags timeout${elements}
	}

	set networks6 {
		type ipv6_addr
		flags interval,timeout
	}

	chain decide {
		ip saddr @hosts4 drop
	}
}
`
const MEMBERS = `
		elements = { 203.0.113.9 timeout 1d60s expires 23h59m,
			     203.0.113.10 timeout 1d60s expires 23h58m }`

const SETS = (...bans: string[]): string =>
  [
    'create portward-hosts4 hash:ip family inet hashsize 1024 maxelem 1000000 timeout 0',
    ...bans,
    'create other hash:ip family inet hashsize 1024 maxelem 65536',
    'add other 203.0.113.7',
    '',
  ].join('\n')

it.each([
  ['nothing', {}, {}],
  [
    "members of portward's sets go, those of others' sets stay",
    { ipset: SETS('add portward-hosts4 203.0.113.9 timeout 9', 'add portward-hosts4 203.0.113.8 timeout 0') },
    { ipset: SETS() },
  ],
  [
    'and of tables',
    { nft: TABLE('portward', MEMBERS) + TABLE('other', MEMBERS) },
    { nft: TABLE('portward', '') + TABLE('other', MEMBERS) },
  ],
])('%s', (_what, given, expected) => {
  expect(withoutBanned({ ...NONE, ...given })).toEqual({ ...NONE, ...expected })
})

import { expect, it } from 'vitest'
import { withoutOwnBans } from '../../src/host/lab/own-records.ts'

const NONE = { iptables: '', ip6tables: '', nft: '', ipset: '' }

const CHAIN = (...bans: string[]): string =>
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':PORTWARD - [0:0]',
    '-A INPUT -j PORTWARD',
    '-A INPUT -s 203.0.113.7/32 -j DROP',
    '-A PORTWARD -s 127.0.0.0/8 -j RETURN',
    '-A PORTWARD -s 192.168.1.5/32 -j RETURN',
    ...bans,
    'COMMIT',
    '',
  ].join('\n')

const TABLE = (name: string, elements: string): string => `table inet ${name} {
	set allowed {
		type ipv4_addr
		flags interval
		elements = { 127.0.0.0/8, 192.168.1.0/24 }
	}

	set banned {
		type ipv4_addr
		flags timeout${elements}
	}

	chain decide {
		ip saddr @banned drop
	}
}
`
const MEMBERS = `
		elements = { 203.0.113.9 timeout 1d60s expires 23h59m,
			     203.0.113.10 timeout 1d60s expires 23h58m }`

it.each([
  ['nothing', {}, {}],
  [
    "bans in portward's chain go, all else stays",
    {
      iptables: CHAIN(
        '-A PORTWARD -s 203.0.113.9/32 -j DROP',
        '-A PORTWARD -s 203.0.113.8/32 -p tcp -j TARPIT',
      ),
      ip6tables: CHAIN('-A PORTWARD -s 2001:db8::9/128 -j DROP'),
    },
    { iptables: CHAIN(), ip6tables: CHAIN() },
  ],
  [
    "members of portward's sets go, those of others' sets stay",
    { nft: TABLE('portward', MEMBERS) + TABLE('other', MEMBERS) },
    { nft: TABLE('portward', '') + TABLE('other', MEMBERS) },
  ],
])('%s', (_what, given, expected) => {
  expect(withoutOwnBans({ ...NONE, ...given })).toEqual({ ...NONE, ...expected })
})

import { expect, it } from 'vitest'
import { parseDrops } from '../../../src/verify/lab/trace.ts'

/** As nft 1.0.6 prints it. */
const traced = (...decisions: string[]): string =>
  decisions.map((text) => `trace id 6f2b03a1 ${text}\n`).join('')

it.each<[what: string, trace: string, expected: string[]]>([
  ['nothing', '', []],
  [
    'a rule, each once, without what it has counted',
    traced(
      'inet own input packet: iif "lo" ip saddr 127.0.0.1 tcp dport 1',
      'inet own input rule tcp dport 1 counter packets 0 bytes 0 drop (verdict drop)',
      'inet own input rule tcp dport 1 counter packets 1 bytes 40 drop (verdict drop)',
      'inet own input rule tcp dport 2 reject (verdict drop)',
    ),
    ['nft inet own input: tcp dport 1 drop', 'nft inet own input: tcp dport 2 reject'],
  ],
  [
    'a policy',
    traced('inet own input policy accept ', 'inet own in2 policy drop '),
    ['nft inet own in2: policy drop'],
  ],
  [
    'no ban',
    traced(
      'inet portward decide rule ip saddr @hosts4 drop (verdict drop)',
      'ip raw PORTWARD rule  # match-set portward-hosts4 src drop (verdict drop)',
    ),
    [],
  ],
])('finds %s', (_what, trace, expected) => {
  expect(parseDrops(trace)).toEqual(expected)
})

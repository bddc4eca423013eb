import { expect, test } from 'vitest'
import { parseServices } from '../../src/facts/services.ts'

test('names of ports: the first one of each', () => {
  const text = `# a comment
ssh\t\t22/tcp\t\t\t\t# SSH Remote Login Protocol
telnet 23/tcp
other 23/tcp
domain\t53/udp
http\t80/tcp\twww
broken
<b> 81/tcp
sctp-only 90/sctp
`
  expect([...parseServices(text)]).toEqual([
    ['22/tcp', 'ssh'],
    ['23/tcp', 'telnet'],
    ['53/udp', 'domain'],
    ['80/tcp', 'http'],
  ])
})

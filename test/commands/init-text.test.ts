import { describe, expect, it } from 'vitest'
import { renderProposal, renderText } from '../../src/commands/init-text.ts'
import { propose } from '../../src/policy/proposal.ts'
import { columnsOf, withoutStyles } from '../../src/styled.ts'
import { factsOf } from '../plan/live.ts'
import { topologyOf } from '../policy/topology.ts'

const ROUTES = ['default via 192.168.1.1 dev eth0']
const home = propose(
  factsOf({
    live: {
      topology: topologyOf('eth0 192.168.1.10/24, wg0 10.8.0.1/24, docker0 172.17.0.1/16', ...ROUTES),
      sshSession: '192.168.1.50',
      sshClients: ['192.168.1.50', '198.51.100.9'],
    },
  }),
  null,
)
const tree = propose(factsOf({ live: null }), null)

describe('what is proposed, as text', () => {
  it('has a line for each choice at 200 columns', () => {
    expect(withoutStyles(renderProposal(home, 200))).toBe(
      `LAN        192.168.1.10/24 (eth0): private, and your SSH session comes from it
WHITELIST  10.8.0.0/24 (wg0): a VPN, which only known hosts can join
left out   198.51.100.9: an SSH connection comes from there, from outside (eth0); not the one that this runs in
SSH        your session comes from 192.168.1.50, in the LAN
containers 172.17.0.0/16 (docker0): not proposed, as these networks change; a container that scans this server is banned like any host
`,
    )
  })

  it('is wrapped at 80 columns, below its own column', () => {
    const lines = withoutStyles(renderProposal(home, 80)).trimEnd().split('\n')
    expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(80)
    expect(lines).toHaveLength(7)
    expect(lines.at(-1)).toMatch(/^ {11}\S/)
  })

  it('is aligned where the second of two is wrapped', () => {
    const reason = 'this server depends on it, in words that do not fit on a line of this screen'
    const choice = { network: { bytes: [192, 0, 2, 1], prefix: 32 }, device: null, variable: null, reason }
    const text = renderProposal({ ...tree, choices: [choice, choice], remarks: [] }, 60)
    expect(withoutStyles(text).split('\n').slice(-5)).toEqual([
      'left out   192.0.2.1: this server depends on it, in words',
      '           that do not fit on a line of this screen',
      '           192.0.2.1: this server depends on it, in words',
      '           that do not fit on a line of this screen',
      '',
    ])
  })

  it('says what a tree does not show', () => {
    expect(withoutStyles(renderProposal(tree, Number.POSITIVE_INFINITY))).toBe(
      "LAN        unknown: a tree does not show the networks of its server\ntree       its server's interfaces, SSH sessions, services and firewall cannot be looked at\n",
    )
  })
})

it.each<[what: string, before: string | null, after: string, shown: string]>([
  ['a new file', null, '# x\nA=1\n', '# x\nA=1\n'],
  ['only the lines that change', 'SECRET=1\nA=1\n', 'SECRET=1\nA=2\nB=3\n', '-A=1\n+A=2\n+B=3\n'],
  ['nothing', 'A=1\n', 'A=1\n', ''],
])('shows %s', (_, before, after, shown) => expect(renderText(before, after)).toBe(shown))

import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLanAnswer } from '../../src/commands/init-answers.ts'
import { checkout } from '../checkout.ts'
import { documentOf } from '../documents.ts'
import { topologyOf } from '../policy/topology.ts'
import { typeInto } from '../terminal.ts'
import { copyOf, fixtures } from '../tree.ts'
import { converse, portward } from './in-process.ts'

/** A tree with this config.env, or with none. */
const treeWith = (config: string | null): { root: string; path: string; text: () => string | null } => {
  const root = copyOf(join(fixtures, 'sample-server'))
  const path = join(root, 'root/config.env')
  if (config === null) rmSync(path)
  else {
    writeFileSync(path, config, 'latin1')
    chmodSync(path, 0o600)
  }
  return { root, path, text: () => (existsSync(path) ? readFileSync(path, 'latin1') : null) }
}

const LAN = ['--lan', '192.168.1.10/24']
const NEW = `# Who is never banned here. "portward plan" shows what follows from it.

# This server's address in its LAN, and the netmask. No host there is banned.
LAN_IP=192.168.1.10
LAN_NM=255.255.255.0

# Other networks and hosts that are never banned.
WHITELIST='198.51.100.7 fd00::/64'
`
const NO_LAN = `# Who is never banned here. "portward plan" shows what follows from it.

# LAN_IP and LAN_NM are for a server with a LAN, whose hosts are never banned.

# Networks of this server whose hosts are banned like any other.
UNTRUSTED=10.9.0.0/16
`
const EXISTING = `# ours\nexport NAME="it's" # kept\nLAN_IP=192.168.1.10\nLAN_NM=24\nSECRET='x y'\nWHITELIST=198.51.100.7 # me\n`

describe('init', () => {
  it.each<[what: string, options: string[], text: string]>([
    ['every answer as an option', [...LAN, '--whitelist', '198.51.100.7,fd00::1/64'], NEW],
    [
      'a dotted netmask',
      ['--lan', '192.168.1.10/255.255.255.0', '--whitelist', '198.51.100.7 fd00::/64'],
      NEW,
    ],
    ['no LAN, and the rest as proposed', ['--no-lan', '--untrusted', '10.9.0.0/16', '--defaults'], NO_LAN],
  ])('writes a new config.env: %s', async (_, options, text) => {
    const tree = treeWith(null)
    const { status, stdout, stderr } = await portward('init', '--root', tree.root, ...options)
    expect([status, stderr]).toEqual([0, ''])
    expect(tree.text()).toBe(text)
    expect(statSync(tree.path).mode & 0o7777).toBe(0o600)
    expect(stdout).toContain(`\n${tree.path}:\n${text}\n`)
    expect(stdout).toMatch(/\nportward plan would show \d+ changes: /)
    expect(
      stdout.endsWith(
        `written: ${tree.path}\nnext: portward plan --root ${tree.root} (shows what would change), then portward apply --root ${tree.root}\n`,
      ),
    ).toBe(true)
    expect((await portward('plan', '--root', tree.root)).status).toBe(2)
  })

  it.each<[what: string, options: string[], complaint: RegExp]>([
    [
      'no answer',
      [],
      /does not show the networks of its server: give --lan ADDRESS\/PREFIX or --no-lan and --whitelist LIST$/,
    ],
    ['no LAN that could be proposed', ['--defaults'], /give --lan ADDRESS\/PREFIX or --no-lan$/],
    [
      'half of the answers',
      LAN,
      /no terminal to ask on: give --whitelist LIST, or take what is proposed with --defaults$/,
    ],
    ['no prefix', ['--lan', '192.168.1.10'], /^portward: --lan is "192\.168\.1\.10": give /],
    ['a LAN of IPv6', ['--lan', 'fd00::1/64'], /^portward: --lan is "fd00::1\/64": give /],
    [
      'a broadcast address',
      ['--lan', '192.168.1.255/24'],
      /--lan is "192\.168\.1\.255", the broadcast address/,
    ],
    ['too wide a LAN', ['--lan', '10.1.1.1/4'], /--lan .*covers most of the Internet/],
    ['a name', [...LAN, '--whitelist', 'example.com'], /--whitelist has "example\.com", neither/],
    ['too much', [...LAN, '--whitelist', '0.0.0.0/1'], /--whitelist .*a large part of the Internet/],
    [
      'every wrong entry',
      [...LAN, '--whitelist', 'office.example.com, 198.51.100.300,0.0.0.0/1'],
      /^portward: --whitelist has "office\.example\.com", "198\.51\.100\.300", neither an address nor a network: write 198\.51\.100\.7, .*; and it has "0\.0\.0\.0\/1", which covers/,
    ],
    [
      'every wrong option',
      ['--lan', 'x', '--whitelist', 'y', '--untrusted', 'z'],
      /^portward: --lan is "x".*\nportward: --whitelist has "y".*\nportward: --untrusted has "z"/,
    ],
    ['a name of a network', [...LAN, '--untrusted', 'dmz'], /--untrusted has "dmz", neither/],
  ])('refuses %s as wrong usage', async (_, options, complaint) => {
    const tree = treeWith(null)
    const { status, stderr } = await portward('init', '--root', tree.root, ...options)
    expect(stderr.trimEnd()).toMatch(complaint)
    expect([status, tree.text()]).toEqual([64, null])
  })

  it.each<[what: string, options: string[], answer: string]>([
    ['a network that is both', [...LAN, '--whitelist', '', '--untrusted', '192.168.1.0/24'], '--untrusted: UNTRUSTED has 192.168.1.0/24'],
    ['most of the Internet', [...LAN, '--whitelist', [...Array(126).keys()].flatMap((net) => [`${net + 1}.0.0.0/8`, `${net + 129}.0.0.0/8`]).join(',')], '--whitelist: WHITELIST covers'],
  ])('names the answer that is wrong with others: %s', async (_, options, answer) => {
    const tree = treeWith(null)
    const { status, stdout, stderr } = await portward('init', '--root', tree.root, ...options)
    expect(stderr.startsWith(answer)).toBe(true)
    expect(stderr).toMatch(/config\.env was not written: answer this differently\n$/)
    expect(stdout.endsWith(`next: portward init --root ${tree.root}\n`)).toBe(true)
    expect([status, tree.text()]).toEqual([78, null])
  }) // biome-ignore format: a table

  it('keeps everything else in a config.env, which it changes only with --yes', async () => {
    const tree = treeWith(EXISTING)
    const change = [
      'init',
      '--root',
      tree.root,
      '--defaults',
      '--no-lan',
      '--whitelist',
      '198.51.100.7 fd00::/64',
    ]
    const asked = await portward(...change)
    expect(asked.stderr).toMatch(
      /config\.env exists, there is no terminal to ask on, and --yes was not given/,
    )
    expect([asked.status, tree.text()]).toEqual([1, EXISTING])
    const { status, stdout } = await portward(...change, '--yes')
    expect(status).toBe(0)
    expect(tree.text()).toBe(
      `# ours\nexport NAME="it's" # kept\nSECRET='x y'\nWHITELIST=198.51.100.7,fd00::/64 # me\n`,
    )
    expect(stdout).toContain('\n-LAN_IP=192.168.1.10\n')
    expect(stdout).not.toContain('SECRET')
  })

  it('proposes what config.env says, and then has nothing to write', async () => {
    const tree = treeWith(EXISTING)
    const { mtimeMs } = statSync(tree.path)
    const { status, stdout } = await portward('init', '--root', tree.root, '--defaults')
    expect(stdout).toMatch(
      /^LAN +192\.168\.1\.0\/24: as config\.env says\nWHITELIST +198\.51\.100\.7: as config\.env says\n/,
    )
    expect(stdout).toMatch(/config\.env says all of this already\n/)
    expect([status, tree.text(), statSync(tree.path).mtimeMs]).toEqual([0, EXISTING, mtimeMs])
  })

  it.each<[what: string, before: string, status: number, after: string, complaint: RegExp]>([
    ['a wrong LAN', 'LAN_IP=x\nBANTIME=1h\n', 0, 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nBANTIME=1h\n', /^$/],
    ['a wrong LAN before a list', 'LAN_NM=24\nWHITELIST=198.51.100.7\n', 0, 'LAN_NM=255.255.255.0\nWHITELIST=198.51.100.7\nLAN_IP=192.168.1.10\n', /^$/],
    ['another wrong value', 'LAN_IP=x\nBANTIME=soon\n', 78, 'LAN_IP=x\nBANTIME=soon\n', /config\.env:2: BANTIME is "soon".*\n.*was not written: correct this first/],
    ['a list with a name', 'WHITELIST="198.51.100.7 example.com"\n', 78, 'WHITELIST="198.51.100.7 example.com"\n', /:1: WHITELIST has "example\.com".*\n.*correct this first/],
  ])('corrects a LAN only: %s', async (_, before, expected, after, complaint) => {
    const tree = treeWith(before)
    const { status, stderr } = await portward('init', '--root', tree.root, '--defaults', '--yes', ...LAN)
    expect(stderr).toMatch(complaint)
    expect([status, tree.text()]).toEqual([expected, after])
  }) // biome-ignore format: a table

  it.runIf(process.getuid?.() === 0)('writes to no file that others than root can change', async () => {
    const tree = treeWith(EXISTING)
    chmodSync(tree.path, 0o666)
    const { status, stderr } = await portward('init', '--root', tree.root, '--defaults', '--yes', '--no-lan')
    expect(stderr).toMatch(/can be changed by users other than root/)
    expect([status, tree.text()]).toEqual([78, EXISTING])
  })

  it('has all of it in one JSON document', async () => {
    const tree = treeWith(null)
    const unanswered = await portward('init', '--root', tree.root, '--json')
    expect(documentOf(unanswered.stdout)).toMatchObject({ written: false, missing: ['lan', 'whitelist'] })
    const { status, stdout } = await portward(
      'init',
      '--root',
      tree.root,
      '--json',
      ...LAN,
      '--whitelist',
      '198.51.100.7 fd00::/64',
    )
    expect(status).toBe(0)
    expect(documentOf(stdout)).toMatchObject({
      ...{ version: 3, command: 'init', path: tree.path, written: true, text: NEW, problems: [] },
      proposal: {
        lan: { address: '192.168.1.10', netmask: '255.255.255.0', interface: null },
        choices: [
          { network: '198.51.100.7', variable: 'WHITELIST' },
          { network: 'fd00::/64', variable: 'WHITELIST' },
        ],
      },
    })
  })

  it('is what every command leads to where config.env is missing', async () => {
    const { root } = treeWith(null)
    for (const command of ['plan', 'status', 'verify', 'bans']) {
      const { stderr } = await portward(command, '--root', root)
      expect(stderr).toContain(
        `config.env: does not exist — run portward init --root ${root}, which asks for the LAN`,
      )
    }
  })
})

const ENTER = '\r'
const FIRST = [
  /Which network is the LAN/,
  /with the prefix/,
  /hosts that are never banned/,
  /Write .*\(Y\/n\)/,
] as const
const answers = (...keys: readonly string[]) => keys.map((key, index) => [FIRST[index] ?? /^$/, key] as const)
const ASKED = answers(ENTER, `192.168.1.10/24${ENTER}`, `198.51.100.7 fd00::/64${ENTER}`, ENTER)

describe('the questions of init', () => {
  it('ask again for a LAN that this server is not in', () => {
    const topology = topologyOf('eth0 192.168.1.10/24', 'default via 192.168.1.1 dev eth0')
    expect(readLanAnswer('192.168.1.10/24', topology)).toHaveProperty('value')
    expect(readLanAnswer('10.0.0.5/24', null)).toHaveProperty('value')
    expect(readLanAnswer('10.0.0.5/24', topology)).toEqual({
      fault:
        'is in 10.0.0.0/24, where this server is not: it has eth0 192.168.1.10/24; name one of these networks, others can be whitelisted',
    })
  })

  it('ask again for a list with mistakes, all of which they name', async () => {
    const tree = treeWith(null)
    const typed = [
      /such as 198\.51\.100\.7, 203\.0\.113\.0\/28/,
      `office.example.com, 198.51.100.300${ENTER}`,
    ] as const
    const refused = [
      /What you typed has "office\.example\.com", "198\.51\.100\.300", neither/,
      '\u0003',
    ] as const
    const { stderr } = await converse([typed, refused], 'init', '--root', tree.root, ...LAN)
    expect(stderr).toContain('nothing was written')
  })

  it('lead to the same config.env', async () => {
    const tree = treeWith(null)
    const { status, stderr } = await converse(ASKED, 'init', '--root', tree.root)
    expect([status, tree.text()], stderr).toEqual([0, NEW])
  })

  it('are only those that options leave open', async () => {
    const tree = treeWith(null)
    const open = [ASKED[2], ASKED[3]].filter((answer) => answer !== undefined)
    const { stderr } = await converse(open, 'init', '--root', tree.root, ...LAN)
    expect(stderr).not.toContain('Which network')
    expect(tree.text()).toBe(NEW)
  })

  it.each<[what: string, keys: string]>([
    ['no', `n${ENTER}`],
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('write nothing after %s', async (what, keys) => {
    for (const [at] of ASKED.entries()) {
      if (what === 'no' && at < ASKED.length - 1) continue
      const tree = treeWith(null)
      const last = [FIRST[at] ?? /^$/, keys] as const
      const { status, stderr } = await converse([...ASKED.slice(0, at), last], 'init', '--root', tree.root)
      expect(stderr).toContain('nothing was written')
      expect([status, tree.text()]).toEqual([1, null])
    }
  })

  it('take a terminal that hangs up for a no, and leave no lock', async () => {
    const tree = treeWith(EXISTING)
    const change = ['init', '--root', tree.root, '--no-lan', '--whitelist', '']
    const { status, complaint } = typeInto('hang up', join(checkout, 'bin/portward'), change)
    expect([complaint, tree.text()]).toEqual(['', EXISTING])
    expect(status).not.toBe(0)
    expect((await portward(...change, '--yes')).status).toBe(0)
  })

  it('change an existing config.env only after yes', async () => {
    const tree = treeWith(EXISTING)
    const change = ['init', '--root', tree.root, '--no-lan', '--whitelist', '']
    const refused = await converse([[/Change .*\(y\/N\)/, ENTER]], ...change)
    expect([refused.status, tree.text()]).toEqual([1, EXISTING])
    const { status } = await converse([[/Change .*\(y\/N\)/, `y${ENTER}`]], ...change)
    expect([status, tree.text()]).toEqual([0, `# ours\nexport NAME="it's" # kept\nSECRET='x y'\n`])
  })
})

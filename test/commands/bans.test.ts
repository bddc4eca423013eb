import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { canonicalAddress } from '../../src/commands/address.ts'
import { bansCommand } from '../../src/commands/bans.ts'
import { explainCommand } from '../../src/commands/explain.ts'
import type { Terminal } from '../../src/commands/output.ts'
import { statusCommand } from '../../src/commands/status.ts'
import { unbanCommand } from '../../src/commands/unban.ts'
import { documentOf } from '../documents.ts'
import { copyOf, fixtures, temporaryDirectory } from '../tree.ts'
import { blockedServer } from './blocked-server.ts'
import { createTerminal, type Result } from './in-process.ts'

const STATE = 'var/lib/portsentry/portsentry'
const BANNED = '203.0.113.9'
const OTHER = '198.51.100.23'
/** In the LAN of the sample server. */
const PEER = '192.168.1.30'

const line = (host: string, port: number, second = 32) =>
  `17952885${second + 60} - 11/21/2026 19:16:${second} Host: ${host}/${host} Port: ${port} TCP Blocked\n`

/** The sample server after two scans; portsentry is to block. */
const server12 = (): string => {
  const root = copyOf(join(fixtures, 'sample-server'))
  const conf = join(root, 'etc/portsentry/portsentry.conf')
  writeFileSync(
    conf,
    readFileSync(conf, 'latin1').replace(/^BLOCK_(TCP|UDP)="0"/gm, 'BLOCK_$1="1"'),
    'latin1',
  )
  const history = line(BANNED, 11) + line(OTHER, 79, 33)
  writeFileSync(join(root, `${STATE}.history`), history)
  writeFileSync(join(root, `${STATE}.blocked.atcp`), history)
  writeFileSync(join(root, 'etc/hosts.deny'), `# mine\nALL: ${BANNED} : DENY\nALL: ${PEER} : DENY\n`)
  return root
}

/** A server with portsentry 2.x that has blocked an IPv4 and an IPv6 host. */
const server2 = (): string =>
  blockedServer([BANNED, '2001:db8::9'], [], { 'etc/hosts.deny': 'ALL: 2001:db8::9 : DENY\n' })

/** Runs a command in this process, and returns what it writes. */
const said = async (command: (terminal: Terminal) => Promise<number>): Promise<Result> => {
  const { terminal, texts } = createTerminal()
  const status = await command(terminal)
  return { status, ...texts() }
}

const options = (terminal: Terminal, root: string, json = false) => ({
  terminal,
  root,
  config: join(root, 'root/config.env'),
  color: false,
  json,
})
const bans = (root: string, json = false) => said((terminal) => bansCommand(options(terminal, root, json)))
const unban = (root: string, ...hosts: string[]) =>
  said((terminal) => unbanCommand(options(terminal, root), hosts))
const explain = async (root: string, host: string) =>
  documentOf((await said((terminal) => explainCommand(options(terminal, root, true), host))).stdout)

describe('bans', () => {
  it('shows what the files tell, a host a line', async () => {
    const root = server12()
    const { status, stdout, stderr } = await bans(root)
    expect(status).toBe(0)
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^ADDRESS +SINCE +UNTIL +PORT +SOURCE +WHERE$/)
    const date = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}'
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^203\\.0\\.113\\.9 +${date} +\\? +11/tcp +portsentry \\(atcp\\) +blocked file, hosts\\.deny$`,
        ),
      ),
      // 198.51.100.23 is in portsentry's own list alone, which keeps nobody out.
      expect.stringMatching(/^192\.168\.1\.30 +\? +\? .* hosts\.deny; PROTECTED by .*config\.env:3: LAN_IP/),
    ])
    expect(stderr).toMatch(/^firewall was not read: a tree has no firewall$/m)
  })

  it('shows the same as one JSON document', async () => {
    const document = documentOf((await bans(server12(), true)).stdout)
    expect(document).toMatchObject({ version: 3, command: 'bans' })
    expect(document.bans[0]).toMatchObject({
      address: BANNED,
      source: 'portsentry',
      port: 11,
      since: '2026-11-21T19:16:32.000Z',
      until: null,
      missing: [],
      protectedBy: null,
    })
    expect(document.stores).toContainEqual(expect.objectContaining({ store: 'firewall', state: 'absent' }))
  })

  it('writes as many bans as there are, one a line of the document, in parts', async () => {
    const root = server12()
    const hosts = Array.from({ length: 2500 }, (_, index) => `198.18.${index >> 8}.${index & 255}`)
    writeFileSync(join(root, 'etc/hosts.deny'), hosts.map((host) => `ALL: ${host}\n`).join(''))
    const { stdout } = await bans(root, true)
    const document = documentOf(stdout)
    expect(document.bans.map((ban: { address: string }) => ban.address)).toEqual(hosts)
    expect(stdout.match(/^ {4}\{"address":"198\.18\..*\},?$/gm)).toHaveLength(hosts.length)
    expect((await bans(root)).stdout.match(/^198\.18\..* hosts\.deny$/gm)).toHaveLength(hosts.length)
    const { terminal, writes } = createTerminal()
    await bansCommand(options(terminal, root, true))
    expect(Math.max(...writes())).toBeLessThan(stdout.length / 2)
  })

  it('reads the records of 2.x', async () => {
    const { bans: rows } = documentOf((await bans(server2(), true)).stdout)
    expect(rows.map((row: { address: string; missing: string[] }) => [row.address, row.missing])).toEqual([
      ['2001:db8::9', []],
    ])
  })

  it('hides no ban over a config.env that is wrong, and says what it does not know', async () => {
    const root = server12()
    writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
    const { status, stdout, stderr } = await bans(root)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^192\.168\.1\.30 .* hosts\.deny$/m)
    expect(stderr).toMatch(/^cannot determine protected hosts: .*config\.env:/m)
  })

  it('needs no portsentry', async () => {
    const root = temporaryDirectory()
    mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true })
    writeFileSync(join(root, 'var/lib/dpkg/status'), '')
    const { status, stdout, stderr } = await bans(root)
    expect([status, stdout]).toEqual([0, 'no ban found in hosts.deny\n'])
    expect(stderr).toMatch(/^blocked file was not read: portsentry is not installed/m)
  })
})

it('does not say that nobody is banned by a portsentry that is not known', async () => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true })
  writeFileSync(
    join(root, 'var/lib/dpkg/status'),
    'Package: portsentry\nStatus: install ok installed\nVersion: 9.9\n',
  )
  writeFileSync(join(root, 'var/lib/dpkg/info/portsentry.list'), '/odd\n')
  const { stdout } = await bans(root)
  expect(stdout).toMatch(
    /^no ban found in hosts\.deny; not read: blocked file \(portsentry 9\.9 is not supported/,
  )
})

describe('unban', () => {
  it('releases in every file, leaves everything else, and can be run again', async () => {
    const root = server12()
    const first = await unban(root, BANNED, '192.0.2.1')
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout).toBe(
      `${BANNED}: released from blocked file, hosts.deny\n192.0.2.1: no ban found in blocked file, hosts.deny\n`,
    )
    expect(readFileSync(join(root, 'etc/hosts.deny'), 'latin1')).toBe(`# mine\nALL: ${PEER} : DENY\n`)
    expect(readFileSync(join(root, `${STATE}.blocked.atcp`), 'latin1')).toBe(line(OTHER, 79, 33))
    expect(readFileSync(join(root, `${STATE}.history`), 'latin1')).toContain(BANNED)
    expect(await unban(root, BANNED)).toMatchObject({
      status: 0,
      stdout: `${BANNED}: no ban found in blocked file, hosts.deny\n`,
    })
  })

  it('releases from the records of 2.x, and IPv6', async () => {
    const root = server2()
    const { stdout } = await unban(root, '2001:db8::9')
    expect(stdout).toBe('2001:db8::9: released from blocked file, hosts.deny\n')
    expect([...readFileSync(join(root, 'tmp/portsentry.blocked'))]).toEqual([2, 0, 203, 0, 113, 9])
  })

  it('goes on in the other stores where one fails, and fails', async () => {
    const root = server12()
    // A directory in the place of the file: it can be neither read nor written.
    mkdirSync(join(root, `${STATE}.blocked.stcp`))
    const { status, stdout, stderr } = await unban(root, BANNED)
    expect(status).toBe(1)
    expect(stdout).toMatch(/^203\.0\.113\.9: released from hosts\.deny/)
    expect(stderr).toMatch(/^blocked file: .*portsentry\.blocked\.stcp is not a regular file — /m)
  })
})

describe('explain', () => {
  test.each<[string, () => string, string, object]>([
    ['a banned host', server12, BANNED, { verdict: 'banned', ban: { port: 11 }, wrapped: [], wrappers: [] }],
    ['an unprotected host', server12, '192.0.2.1', { verdict: 'would-be-banned', ban: null }],
    ['a protected host that is banned', server12, PEER, { verdict: 'protected-but-banned' }],
    [
      'a protected host that portsentry does not ignore',
      server12,
      '192.168.1.31',
      { verdict: 'protected-but-not-ignored', protectors: [{ at: { line: 3 } }] },
    ],
    ['IPv6 and 1.2', server12, '2001:db8::9', { verdict: 'undetected' }],
    ['a whitelisted IPv6 host', server12, '2001:db8:17::1', { verdict: 'protected' }],
    ['the end of a blocked address', server12, '3.0.113.9', { verdict: 'would-be-banned' }],
    ['a banned host of 2.x', server2, '2001:db8::9', { verdict: 'banned' }],
    ['a LAN peer of 2.x', server2, '192.168.1.20', { verdict: 'protected' }],
  ])('%s', async (_, server, host, expected) => {
    const document = await explain(server(), host)
    expect(document).toMatchObject({ version: 3, command: 'explain', ...expected })
  })

  it('names the commands as they would be run, the line that ignores it, and what could not be checked', async () => {
    const root = server12()
    writeFileSync(join(root, 'etc/portsentry/portsentry.ignore.static'), '# LAN\n192.168.1.0/24\n')
    const { status, stdout } = await said((terminal) => explainCommand(options(terminal, root), '192.0.2.1'))
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^192\.0\.2\.1 is not banned and not protected: the first packet to a watched port/,
    )
    expect(stdout).toMatch(/^ +KILL_HOSTS_DENY writes: ALL: 192\.0\.2\.1 : DENY$/m)
    expect(stdout).toMatch(/^firewall +not checked: only root can/m)
    const { daemons } = await explain(root, '192.168.1.20')
    expect(daemons.ignoredBy).toBe(`${root}/etc/portsentry/portsentry.ignore.static:2 (192.168.1.0/24)`)
  })

  it('tells what hosts.allow and hosts.deny say to each daemon that asks, and to none where none does', async () => {
    const root = server12()
    const hostsAllowSection = async (host: string) =>
      /^hosts\.allow +((?:.*\n?)(?: {12}.*\n)*)/m
        .exec((await said((terminal) => explainCommand(options(terminal, root), host))).stdout)?.[1]
        ?.trim()
        .split(/\n +/)
    expect(await hostsAllowSection(BANNED)).toEqual([
      'no daemon here is known to use hosts.allow and hosts.deny',
    ])
    mkdirSync(join(root, 'usr/sbin'), { recursive: true })
    for (const program of ['sshd', 'vsftpd'])
      writeFileSync(join(root, 'usr/sbin', program), '\x7fELF libwrap.so.0')
    writeFileSync(join(root, 'etc/hosts.allow'), '# tutorial\nsshd: ALL\n')
    expect(await hostsAllowSection(BANNED)).toEqual([
      'sshd: /etc/hosts.allow:2 lets it in; its entry in hosts.deny has no effect',
      'vsftpd: /etc/hosts.deny:2 refuses it',
    ])
    expect(await hostsAllowSection('192.0.2.1')).toEqual([
      'sshd: /etc/hosts.allow:2 lets it in',
      'vsftpd: neither file has a rule for it: it is let in',
    ])
  })

  it('says what it does not know where config.env is wrong', async () => {
    const root = server12()
    writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
    expect(await explain(root, '192.0.2.1')).toMatchObject({
      verdict: 'unknown',
      protectionUnknown: expect.stringMatching(/config\.env/),
    })
  })
})

it('status tells bans, last scans and ports from the files', async () => {
  const { stdout } = await said((terminal) => statusCommand(options(terminal, server12())))
  expect(stdout).toMatch(/^bans +2 hosts banned in the stores that could be read;/m)
  expect(stdout).toMatch(
    /^last scans +\S+ \S+ \S+ 198\.51\.100\.23 79\/tcp\n +\S+ \S+ \S+ 203\.0\.113\.9 11\/tcp$/m,
  )
  expect(stdout).toMatch(/^ports +11\/tcp \(1\), 79\/tcp \(1\)/m)
  expect(stdout).toMatch(/^sshd +not installed$/m)
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['2001:DB8:0:0::9', '2001:db8::9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['203.0.113.0/24', null],
  ['203.0.113', null],
  ['fe80::1%eth0', null],
  ['', null],
])('the address %j is %j', (text, expected) => expect(canonicalAddress(text)).toBe(expected))

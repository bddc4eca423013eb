import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { openOutput } from '../../src/commands/output.ts'
import { run } from '../../src/commands/run.ts'
import { checkout } from '../checkout.ts'
import { documentOf } from '../documents.ts'
import { typeInto } from '../terminal.ts'
import { copyOf, fixtures } from '../tree.ts'
import { createTerminal, portward, portwardOnTerminal } from './in-process.ts'

const sample = () => {
  const root = copyOf(join(fixtures, 'sample-server'))
  return ['--root', root, '--config', join(root, 'root/config.env')] as const
}

it('gives the exit codes of the contract', async () => {
  const tree = sample()
  const statusOf = async (...args: string[]) => (await portward(...args, ...tree)).status
  expect(await statusOf('plan')).toBe(2)
  expect(await statusOf('apply')).toBe(1)
  expect(await statusOf('apply', '--yes')).toBe(0)
  expect(await statusOf('plan')).toBe(0)
  expect(await statusOf('apply', '--yes')).toBe(0)
  expect(await statusOf('status')).toBe(0)
})

it('runs as a process of its own', () => {
  const { status, stdout, stderr } = spawnSync(
    join(checkout, 'bin/portward'),
    ['plan', ...sample(), '--json'],
    { env: { PATH: process.env['PATH'] }, encoding: 'utf8' },
  )
  expect([status, stderr]).toEqual([2, ''])
  expect(documentOf(stdout)).toMatchObject({ command: 'plan' })
})

it('prints its version', async () => {
  expect(await portward('--version')).toMatchObject({ status: 0, stdout: 'test\n', stderr: '' })
})

it('takes settings and the path of config.env from the environment that it is given', async () => {
  const [, root, , config] = sample()
  const { terminal, texts } = createTerminal({ PORTWARD_CONFIG: '/nonexistent' })
  expect(await run({ argv: ['plan', '--root', root], ...terminal })).toBe(78)
  expect(texts().stderr).toMatch(/^\/nonexistent: does not exist/)
  // Empty counts as not set.
  const other = createTerminal({ PORTWARD_CONFIG: '', LAN_NM: 'banana' })
  expect(await run({ argv: ['plan', '--root', root], ...other.terminal })).toBe(78)
  expect(other.texts().stderr).toMatch(/LAN_NM is "banana"/)
  expect((await portward('plan', '--root', root, '--config', config)).status).toBe(2)
})

it.each(
  [
    [],
    ['frob'],
    ['plan', '--frob'],
    ['plan', 'extra'],
    ['plan', '--config'],
    ['plan', '--format', 'nonsense'],
    ['plan', '--diff', 'nonsense'],
    ['plan', '--diff', 'full', '--format', 'diff'],
    ['plan', '--diff', 'full', '--json'],
    ['plan', '--release', 'nonsense'],
    ['apply', '--confirm-within', 'banana'],
    ['apply', '--confirm-within', '9s'],
    ['apply', '--yes', '--confirm-within', '25h'],
    ['rollback', 'banana'],
    ['rollback', '0'],
    ['rollback', '--yes', '-1'],
    ['unban'],
    ['unban', 'banana'],
    ['unban', '192.0.2.1', '192.0.2.0/24'],
    ['unban', '192.0.2.1', '300.1.1.1'],
    ['unban', 'example.org'],
    ['explain'],
    ['explain', 'banana'],
    ['detect'],
    ['detect', '--pcap', 'x', '--mode', 'banana'],
    ['detect', '--pcap', 'x', '--method', 'banana'],
    ['detect', '--pcap', 'x', '--in-use', 'banana'],
    ['detect', '--pcap', 'x', '--address', 'banana'],
    ['detect', '--pcap', 'x', '--listen'],
  ].map((args) => [args]),
)('wrong usage: %j', async (args) => {
  const { status, stdout, stderr } = await portward(...args)
  expect(status).toBe(64)
  expect(stdout).toBe('')
  expect(stderr).not.toBe('')
})

it('finds --root and --config wherever they stand', async () => {
  const tree = sample()
  expect((await portward(...tree, 'plan')).status).toBe(2)
})

it('reads the tree’s own config.env unless another is named', async () => {
  const [, root] = sample()
  expect((await portward('plan', '--root', root)).status).toBe(2)
})

it.each([
  ['LAN_IP=192.168.1.10\n', /config\.env: LAN_NM is not set — /],
  ['LAN_IP=\nLAN_NM=\n', /config\.env:1: LAN_IP is empty — .*\n.*config\.env:2: LAN_NM is empty — /],
  ['LAN_IP=1.2.3.4\nLAN_NM=24\nBANACTION=none-such\n', /config\.env:3: .*none-such/],
])('says what is wrong with %j, changes nothing and exits with 78', async (config, expected) => {
  const [, root] = sample()
  const path = join(root, 'root/config.env')
  writeFileSync(path, config)
  const { status, stdout, stderr } = await portward('apply', '--yes', '--root', root)
  expect(status).toBe(78)
  expect(stdout).toBe('')
  expect(stderr).toMatch(expected)
  expect(stderr).not.toMatch(/\n +at /)
  expect(existsSync(join(root, 'etc/fail2ban/jail.d/portsentry.conf'))).toBe(false)
})

it.each([['plan'], ['apply', '--yes'], ['status']])(
  '%s --json prints one versioned document',
  async (...args) => {
    const { stdout } = await portward(...args, ...sample(), '--json')
    expect(documentOf(stdout)).toMatchObject({ version: 3, command: args[0], release: 'sysv-1.2' })
  },
)

const COMMANDS = [
  ['plan'],
  ['apply', '--yes'],
  ['status'],
  ['bans'],
  ['verify'],
  ['unban', '192.0.2.1'],
  ['explain', '192.0.2.1'],
  ['detect', '--pcap', join(fixtures, 'scan.pcap')],
]
const SERVER_ONLY = [['generations'], ['confirm'], ['rollback', '--yes']]

it.each([...COMMANDS, ...SERVER_ONLY].map((args) => [args]))(
  'the options of all commands are refused for the same reasons: %j',
  async (args) => {
    const wrong = [
      [['--root', '/nonexistent-tree'], /is not a directory|on the running server only/],
      [['--root', ''], /need a value/],
      [['--config', ''], /need a value/],
      [['--release', 'native-2'], /--release needs --root/],
      [['--release', 'native-3'], /is not one of/],
    ] as const
    for (const [options, expected] of wrong) {
      const { status, stdout, stderr } = await portward(...args, ...options)
      expect([status, stdout, stderr]).toEqual([64, '', expect.stringMatching(expected)])
    }
  },
)

it.each(COMMANDS.map((args) => [args]))('--root, --config and --release are accepted: %j', async (args) => {
  const [, root, , config] = sample()
  const { status, stderr } = await portward(
    ...args,
    ...['--root', root, '--config', config, '--release', 'sysv-1.2'],
  )
  expect({ status, stderr }).not.toMatchObject({ status: 64 })
  expect(stderr).not.toMatch(/^error/)
})

it.each(SERVER_ONLY)('%s works on the running server only', async (...args) => {
  const { status, stdout, stderr } = await portward(...args, ...sample())
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(/^portward: \w+ works on the running server only, not with --root$/m)
})

it('prints problems in the JSON document, too', async () => {
  const [, root] = sample()
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
  const { stdout, status } = await portward('plan', '--root', root, '--json')
  expect(status).toBe(78)
  expect(documentOf(stdout).problems).toHaveLength(2)
})

it('tells a failure as JSON, too', async () => {
  const { stdout, status } = await portward('apply', ...sample(), '--json')
  expect(status).toBe(1)
  expect(documentOf(stdout)).toMatchObject({
    version: 3,
    command: 'apply',
    error: { message: expect.stringMatching(/--yes/) },
  })
})

test.each<[string, string, number]>([
  ['y', 'y\r', 0],
  ['n', 'n\r', 1],
  ['Enter', '\r', 1],
  ['Ctrl-D', '\x04', 1],
  ['Ctrl-D after a letter', 'y\x04', 1],
  ['Ctrl-C', '\x03', 1],
])('the question of apply: %s', async (_, keys, expected) => {
  const tree = sample()
  const { status, stdout, stderr } = await portwardOnTerminal(keys, 'apply', ...tree)
  expect(status).toBe(expected)
  expect(stderr).toMatch(/17 changes: 12 new files, 5 edited\.\s+Apply these changes to \S+\?/)
  expect(stdout + stderr).toMatch(expected === 0 ? /applied: \d+ steps, files only/ : /nothing was changed/)
  expect((await portward('plan', ...tree)).status).toBe(expected === 0 ? 0 : 2)
})

it('takes a terminal that hangs up for a no, and leaves no lock', async () => {
  const tree = sample()
  const { status, complaint } = typeInto('hang up', join(checkout, 'bin/portward'), ['apply', ...tree])
  expect(complaint).toBe('')
  expect(status).not.toBe(0)
  expect((await portward('plan', ...tree)).status).toBe(2)
  expect((await portward('apply', '--yes', ...tree)).status).toBe(0)
})

it('shows what files say so that it reads well, and nothing in it is obeyed', async () => {
  const tree = sample()
  const write = (path: string, bytes: string) =>
    writeFileSync(join(tree[1], path), Buffer.from(bytes, 'latin1'))
  const utf8 = Buffer.from('# “café” — ü', 'utf8').toString('latin1')
  const raw = '# caf\xe9 \x1b[2J \x9b2J'
  write('etc/default/portsentry', `TCP_MODE="tcp" ${utf8}\nUDP_MODE="udp" ${raw}\n`)
  const { output } = typeInto('n\r', join(checkout, 'bin/portward'), ['apply', '--no-color', ...tree])
  expect(output).toContain('1 -TCP_MODE="tcp" # “café” — ü\r\n')
  expect(output).toContain('2 -UDP_MODE="udp" # caf\\xe9 ^[[2J \\x9b2J\r\n')
  // Into a pipe go the bytes themselves: the diff is to be applied.
  for (const format of ['text', 'diff']) {
    const { bytes } = await portward('plan', '--format', format, ...tree)
    expect(bytes).toContain(`-TCP_MODE="tcp" ${utf8}\n`)
    expect(bytes).toContain(`-UDP_MODE="udp" ${raw}\n`)
  }

  write('etc/fail2ban/jail.local', `[portsentry]\nbantime = \x1b]0;${utf8}\x07\n`)
  for (const command of ['plan', 'verify', 'status']) {
    const { stdout, stderr } = await portward(command, ...tree, '--no-color')
    expect(stdout + stderr).not.toMatch(/[\x1b\x07]/)
    expect(stdout + stderr).toMatch(/jail\.local:2: .*\^\[\]0;# /)
  }
  expect((await portward('plan', ...tree)).stderr).toContain('^[]0;# “café” — ü^G')
  // What was typed, and what an effect that failed says.
  expect((await portward('unban', 'a\x1b[2J')).stderr).toContain('"a^[[2J" is not')
  expect((await portward('plan', '--root', '/\x1b[2J')).stderr).toContain('/^[[2J is not a directory')
})

it.each(['C', 'C.UTF-8'])('keeps the bytes of a diff in the locale %s', async (LC_ALL) => {
  const tree = sample()
  // Bytes that are also characters of our own typography in Latin-1.
  const line = 'TCP_MODE="tcp" # \xc4\xb7 \xd7\x97'
  writeFileSync(join(tree[1], 'etc/default/portsentry'), Buffer.from(`${line}\n`, 'latin1'))
  const { terminal, texts } = createTerminal({ LC_ALL })
  expect(await run({ argv: ['plan', '--format', 'diff', ...tree], ...terminal })).toBe(2)
  expect(texts().bytes).toContain(`\n-${line}\n`)
})

it('does not ask without a terminal', async () => {
  const { status, stderr } = await portward('apply', ...sample())
  expect([status, stderr]).toEqual([1, expect.stringMatching(/no terminal to ask on/)])
})

it('finishes an apply whose reader goes away', async () => {
  const tree = sample()
  const command = `"$0" apply --yes ${tree.join(' ')} 2>&1 | head -1`
  spawnSync('sh', ['-c', command, join(checkout, 'bin/portward')])
  expect((await portward('plan', ...tree)).status).toBe(0)
})

it('names a tree that is not there', async () => {
  const { status, stderr } = await portward('plan', '--root', '/nonexistent-tree')
  expect(status).toBe(64)
  expect(stderr).toMatch(/is not a directory/)
})

it('says no more than the result with --quiet, and paints nothing into a pipe', async () => {
  const { stdout, stderr } = await portward('apply', '--yes', '--quiet', ...sample())
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^applied: \d+ steps, files only\n$/)
})

it.each([
  [{ LANG: 'C.UTF-8' }, '\xe9 \xe2\x80\x94 \xe2\x86\x92\n'],
  [{}, '\xe9 - ->\n'],
])('writes its own characters beside those bytes into a pipe, with the locale %j', (env, expected) => {
  const { terminal, texts } = createTerminal(env)
  openOutput({ color: true, terminal }).result('\xe9 — →\n')
  expect(texts().bytes).toBe(expected)
})

it('prints a diff whose bytes are the file’s, Latin-1 and all', async () => {
  const tree = sample()
  const path = join(tree[1], 'etc/hosts.allow')
  writeFileSync(path, Buffer.from('# caf\xe9\n', 'latin1'))
  const { bytes } = await portward('plan', '--format', 'diff', ...tree)
  expect(bytes).toMatch(/^diff --git a\/var\/lib\/portsentry\/portsentry.history /)
  expect(bytes).toContain(' # caf\xe9\n')
})

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { documentOf, documentsOf } from '../documents.ts'
import { fixtures, temporaryDirectory } from '../tree.ts'
import { portward as run } from './in-process.ts'

/** A directory with servers/web1: a copy of /etc, and nothing else of the server but its config.env. */
const copyOfEtc = (debianVersion = '12.11\n'): string => {
  const directory = temporaryDirectory()
  cpSync(join(fixtures, 'sample-server/etc'), join(directory, 'servers/web1/etc'), { recursive: true })
  cpSync(join(fixtures, 'sample-server/root/config.env'), join(directory, 'servers/web1/config.env'))
  chmodSync(join(directory, 'servers/web1/config.env'), 0o600)
  if (debianVersion !== '') writeFileSync(join(directory, 'servers/web1/etc/debian_version'), debianVersion)
  return directory
}

const portward = async (directory: string, ...args: string[]) => {
  const before = process.cwd()
  process.chdir(directory)
  try {
    const tree = ['--root', 'servers/web1', '--config', 'servers/web1/config.env']
    return await run(...args, ...tree)
  } finally {
    process.chdir(before)
  }
}

const plan = (directory: string, ...args: string[]) => portward(directory, 'plan', ...args)

const inSync = async (): Promise<string> => {
  const directory = copyOfEtc()
  expect((await portward(directory, 'apply', '--yes')).status).toBe(0)
  return directory
}

const misconfigured = (): string => {
  const directory = copyOfEtc()
  writeFileSync(join(directory, 'servers/web1/config.env'), 'LAN_IP=x\nLAN_NM=24\n')
  return directory
}

/** A tree that cannot be read to the end. */
const unreadable = (): string => {
  const directory = copyOfEtc()
  const path = join(directory, 'servers/web1/etc/hosts.allow')
  rmSync(path)
  symlinkSync('hosts.allow', path)
  return directory
}

const EMPTY = /^$/
const CODES: [
  string,
  () => string | Promise<string>,
  number,
  Record<'github' | 'gitlab' | 'markdown', RegExp>,
][] = [
  ['in sync', inSync, 0, { github: EMPTY, gitlab: /^\[\]\n$/, markdown: /^### portward: in sync\n/ }],
  [
    'drift',
    copyOfEtc,
    2,
    {
      github:
        /^(?:::warning file=servers\/web1\/etc\/[^\n]+\n){9}::warning title=portward%3A 5 more::[^\n]+\n$/,
      gitlab: /^\[\n.*"path": "servers\/web1\/etc\/portsentry\/portsentry\.conf".*\]\n$/s,
      markdown: /^### portward: \d+ changes pending\n.*\n<\/details>\n$/s,
    },
  ],
  [
    'a wrong config.env',
    misconfigured,
    78,
    {
      github: /^::error file=servers\/web1\/config\.env,line=1,endLine=1,title=[^\n]+\n$/,
      gitlab: /^\[\n.*"severity": "critical",\n.*"path": "servers\/web1\/config\.env".*\]\n$/s,
      markdown: /^### portward: wrong configuration\n.*- \*\*error\*\* ` servers\/web1\/config\.env:1 `/s,
    },
  ],
  [
    'a tree that cannot be read',
    unreadable,
    1,
    {
      github: /^::error file=servers\/web1\/etc\/hosts\.allow,title=[^\n]*loop of symbolic links[^\n]*\n$/,
      gitlab: /^\[\n.*loop of symbolic links.*"check_name": "unreadable".*\]\n$/s,
      markdown: /^### portward: no plan could be made\n.*loop of symbolic links/s,
    },
  ],
]

it.each(CODES)(
  '%s: every format says it, and the exit code is the same',
  async (_, prepare, status, expected) => {
    const directory = await prepare()
    expect((await plan(directory)).status).toBe(status)
    for (const [format, pattern] of Object.entries(expected)) {
      const result = await plan(directory, '--format', format)
      expect(result.status).toBe(status)
      expect(result.stdout).toMatch(pattern)
      if (format === 'gitlab') expect(() => JSON.parse(result.stdout)).not.toThrow()
    }
    const json = await plan(directory, '--format', 'json')
    expect(json.status).toBe(status)
    expect(documentsOf(json.stdout)).toHaveLength(1)
    expect((await plan(directory, '--json')).stdout).toBe(json.stdout)
  },
)

it('prints text unless another format is asked for', async () => {
  const directory = copyOfEtc()
  expect((await plan(directory, '--format', 'text')).stdout).toBe((await plan(directory)).stdout)
  expect((await plan(directory, '--json', '--format', 'json')).stdout).toMatch(/^\{/)
})

it.each([
  [['--format', 'xml']],
  [['--format']],
  [['--release', 'native-3']],
  [['--json', '--format', 'text']],
  [['--json', '--format', 'github']],
])('wrong usage: %j', async (args) => {
  const { status, stdout, stderr } = await plan(copyOfEtc(), ...args)
  expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  expect(stderr).not.toBe('')
})

it.each([
  ['12.11\n', 'sysv-1.2'],
  ['13.1\n', 'template-1.2'],
])('tells the release of a copy of /etc with Debian %j: %s', async (version, release) => {
  expect(documentOf((await plan(copyOfEtc(version), '--json')).stdout)).toMatchObject({ release })
})

it('says what to add to a copy of /etc that does not tell its release', async () => {
  const { status, stdout } = await plan(copyOfEtc(''), '--format', 'github')
  expect(status).toBe(1)
  expect(stdout).toMatch(
    /^::error file=servers\/web1\/etc\/portsentry\/portsentry\.conf,.*debian_version.*\n$/,
  )
})

it.each(['sysv-1.2', 'template-1.2', 'native-2'])('takes --release %s for it', async (release) => {
  const { stdout } = await plan(copyOfEtc(''), '--json', '--release', release)
  expect(documentOf(stdout)).toMatchObject({ release })
})

it.each([
  ['sysv-1.2', '1.2'],
  ['template-1.2', '1.2'],
  ['native-2', '2.x'],
])('every command takes a copy of /etc for one of %s where plan does', async (release, dialect) => {
  const directory = copyOfEtc('')
  const say = async (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = await portward(
      directory,
      command,
      '--json',
      '--release',
      release,
      ...args,
    )
    expect({ command, status, stderr }).toEqual({
      command,
      status: 0,
      stderr: expect.not.stringMatching(/install/),
    })
    return stdout
  }
  expect(documentOf(await say('apply', '--yes'))).toMatchObject({ release, applied: true })
  const { checks } = documentOf(await say('verify'))
  const results = new Map(checks.map(({ code, result }: { code: string; result: string }) => [code, result]))
  expect(Object.fromEntries(results)).toMatchObject({ installed: 'skip', conf: 'pass', wrapped: 'skip' })
  expect(documentOf(await say('status'))).toMatchObject({ release, drift: 'none' })
  expect(documentOf(await say('explain', '192.0.2.1')).daemons).toMatchObject({ dialect, faults: [] })
  expect(documentOf(await say('bans')).stores).not.toEqual([])
  expect((await say('detect', '--pcap', join(fixtures, 'scan.pcap'))).split('\n').length).toBeGreaterThan(5)
})

it('takes --release for a tree only', async () => {
  const { status, stderr } = await run('bans', '--release', 'native-2')
  expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringMatching(/needs --root/) })
})

it('asks for no logs that a copy of /etc cannot hold', async () => {
  const { steps } = documentOf((await plan(copyOfEtc(), '--json')).stdout)
  const paths = steps.map(({ path }: { path: string }) => path)
  expect(paths.filter((path: string) => !path.startsWith('/etc/'))).toEqual([])
  // The sample's own copy of /var/log is empty, so that there the sshd jail is told to read the journal.
  expect(paths).not.toContain('/etc/fail2ban/jail.d/portward-sshd.local')
})

it('needs neither root nor any program of a server for a copy of /etc', () => {
  const directory = copyOfEtc()
  chmodSync(directory, 0o755)
  chmodSync(join(directory, 'servers/web1/config.env'), 0o644)
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(checkout, 'dist/portward/cli.cjs'),
      ...['plan', '--root', 'servers/web1', '--config', 'servers/web1/config.env', '--format', 'markdown'],
    ],
    {
      cwd: directory,
      env: { PATH: '/nonexistent' },
      encoding: 'utf8',
      ...(process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
    },
  )
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' })
})

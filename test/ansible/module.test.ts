import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { copyOf, fixtures } from '../tree.ts'
import { installCollection, source } from './collection.ts'
import { describeWith } from './requirements.ts'

interface Result {
  readonly changed: boolean
  readonly failed: boolean
  readonly msg?: string
  readonly version?: number
  readonly root?: string
  readonly release?: string
  readonly inexact?: readonly string[]
  readonly steps?: readonly { readonly kind: string; readonly path?: string; readonly diff?: string }[]
  readonly problems?: readonly { readonly code: string; readonly line?: number }[]
  readonly checks?: readonly object[]
  /** What `--diff` prints. */
  readonly shown: string
  /** All that Ansible prints. */
  readonly text: string
  readonly rc?: number
}

const NODE = dirname(process.execPath)

/** Bytes of every file below a directory. */
const contents = (root: string): Map<string, string> =>
  new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(root, path)).isFile())
      .map((path) => [path, readFileSync(join(root, path), 'latin1')]),
  )

describeWith({ '/usr/bin/ansible': 'ansible-core' }, 'the module portward.portward.apply, on a tree', () => {
  const home = mkdtempSync(join(tmpdir(), 'portward-ansible-'))
  const { env } = installCollection(home)
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  /** Runs the module as Ansible does; */
  const apply = (args: object, ...options: string[]): Result => {
    const tree = join(home, 'out')
    rmSync(tree, { recursive: true, force: true })
    const { status, stdout, stderr } = spawnSync(
      '/usr/bin/ansible',
      [
        ...['localhost', '-m', 'portward.portward.apply', '--tree', tree, ...options],
        ...['-a', JSON.stringify({ executable: join(checkout, 'bin/portward'), ...args })],
      ],
      { env: { ...env, PATH: [NODE, env.PATH].join(delimiter) }, encoding: 'utf8' },
    )
    const file = join(tree, 'localhost')
    if (!existsSync(file)) throw new Error(`ansible: ${stdout}\n${stderr}`)
    const failed = status !== 0
    const shown = stdout.split(/^localhost \| /m)[0] ?? ''
    return { ...JSON.parse(readFileSync(file, 'utf8')), failed, shown, text: `${stdout}\n${stderr}` }
  }

  /** What `portward plan` prints as its diff. */
  const ownDiff = (root: string): string => {
    const { stdout } = spawnSync(join(checkout, 'bin/portward'), ['plan', '--root', root])
    return stdout.toString().replace(/^.*?(?=^diff --git)/ms, '')
  }

  it('plans in check mode, shows the exact diff, and touches nothing', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contents(root)
    const expected = ownDiff(root)
    const result = apply({ root }, '--check', '--diff')
    expect(result).toMatchObject({ changed: true, version: 1, problems: [], checks: [] })
    expect(result).toMatchObject({ root, release: 'sysv-1.2', wrappers: [], inSync: false, inexact: [] })
    expect(result.shown).toBe(expected)
    expect(contents(root)).toEqual(before)
  })

  it('applies, then has nothing to do', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const first = apply({ root })
    expect(first.changed).toBe(true)
    expect(first.steps?.map(({ kind }) => kind)).toContain('write')
    const after = contents(root)
    expect(apply({ root })).toMatchObject({ changed: false, steps: [] })
    expect(apply({ root }, '--check', '--diff')).toMatchObject({ changed: false, steps: [], shown: '' })
    expect(contents(root)).toEqual(after)
  })

  it('shows UTF-8 as such, other bytes as they came, and no control character', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = Buffer.from('# Straße \u001b[2J\n# caf\u00e9\n', 'utf8')
    appendFileSync(join(root, 'etc/default/portsentry'), before)
    appendFileSync(join(root, 'etc/default/portsentry'), Buffer.from('# caf\u00e9\n', 'latin1'))
    const { shown, steps } = apply({ root }, '--check', '--diff')
    expect(shown).toContain(' # Straße ^[[2J\n # café\n # café\n')
    expect(steps?.find(({ path }) => path === '/etc/default/portsentry')?.diff).toContain('# StraÃ\u009fe')
  })

  it('writes config.env from variables once portward has succeeded with them', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const variables = {
      LAN_NM: 24,
      LAN_IP: '192.168.1.10',
      KILL_ROUTE: '/sbin/ip route add blackhole $TARGET$',
      HOME: '',
    }
    const config = join(root, 'root/config.env')
    const stock = readFileSync(config, 'utf8')
    const planned = apply({ root, variables }, '--check', '--diff')
    expect(planned.changed).toBe(true)
    expect(planned.shown).toMatch(
      /^--- before: .*\n(?:.*\n)*?-LAN_NM=255\.255\.255\.0\n(?:.*\n)*?\+LAN_NM='24'\n/,
    )
    expect(readFileSync(config, 'utf8')).toBe(stock)
    const applied = apply({ root, variables })
    expect(applied.steps).toEqual(planned.steps)
    expect(readFileSync(config, 'utf8')).toMatch(
      /^# BEGIN .*\nHOME=''\nKILL_ROUTE='\/sbin\/ip route add blackhole \$TARGET\$'\nLAN_IP='192\.168\.1\.10'\nLAN_NM='24'\n# END /,
    )
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(apply({ root, variables })).toMatchObject({ changed: false })
  })

  it('keeps the lines of others in config.env, and does not show them', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const config = join(root, 'root/config.env')
    const others = '# caf\xe9 of others\nTOKEN="two\nlines"\nexport URL=http://${LAN_IP}/\nBANTIME=1w\n'
    writeFileSync(config, `LAN_NM=24 # old\n${others}export LAN_IP="192.168.1.9"`, 'latin1')
    const variables = { LAN_NM: 24, LAN_IP: '192.168.1.10', FINDTIME: '1h' }
    const { shown } = apply({ root, variables }, '--diff')
    expect(shown).toMatch(/^-LAN_NM=24 # old$/m)
    expect(shown).toMatch(/^-export LAN_IP="192\.168\.1\.9"$/m)
    expect(shown).toMatch(/^\+FINDTIME='1h'$/m)
    expect(shown).not.toMatch(/of others|TOKEN|lines"|URL/)
    const block = (names: string) =>
      `# BEGIN portward.portward: written by Ansible, changes made in here are lost\n${names}# END portward.portward\n`
    const required = "LAN_IP='192.168.1.10'\nLAN_NM='24'\n"
    expect(readFileSync(config, 'latin1')).toBe(block(`FINDTIME='1h'\n${required}`) + others)
    expect(apply({ root, variables })).toMatchObject({ changed: false })
    expect(apply({ root, variables: { LAN_NM: 24, LAN_IP: '192.168.1.10' } }).changed).toBe(true)
    expect(readFileSync(config, 'latin1')).toBe(block(required) + others)
  })

  it('mends the mode of config.env, and says so', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const config = join(root, 'root/config.env')
    const variables = { LAN_NM: 24, LAN_IP: '192.168.1.10' }
    apply({ root, variables })
    chmodSync(config, 0o664)
    const planned = apply({ root, variables }, '--check', '--diff')
    expect(planned).toMatchObject({ changed: true, steps: [] })
    expect(planned.shown).toMatch(/^chown, chmod .*: owner (\d+), mode 0600; now owner \1, mode 0664\n$/)
    expect(statSync(config).mode & 0o777).toBe(0o664)
    expect(apply({ root, variables })).toMatchObject({ changed: true })
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(apply({ root, variables })).toMatchObject({ changed: false })
  })

  it('fails before anything is changed where config.env cannot be written', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contents(root)
    const args = {
      root,
      config: join(root, 'nowhere/config.env'),
      variables: { LAN_NM: 24, LAN_IP: '192.168.1.10' },
    }
    for (const options of [[], ['--check']]) {
      expect(apply(args, ...options)).toMatchObject({
        failed: true,
        msg: expect.stringContaining('/nowhere is no directory'),
      })
      expect(contents(root)).toEqual(before)
    }
  })

  it('leaves config.env and the files alone where portward fails, and tells why as data', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contents(root)
    const result = apply({ root, variables: { LAN_IP: '192.168.1.10', LAN_NM: 33 } })
    expect(result).toMatchObject({ changed: false, failed: true, rc: 78 })
    expect(result.msg).toBe(
      `${root}/root/config.env:3: LAN_NM is "33", over 32 bits - use 255.255.255.0, 24 or /24`,
    )
    expect(result.problems).toMatchObject([{ code: 'netmask', line: 3, path: `${root}/root/config.env` }])
    expect(contents(root)).toEqual(before)
  })

  it('refuses values that config.env cannot hold, and takes all others', () => {
    const values = ["it's", 'a\nb', 'a\r', ['a'], { a: 1 }, true, null, 7, '', 'a "b" $TARGET$ \\ ü']
    const script = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(join(source, 'plugins/modules'))})
from apply import render_block
def render(value):
    try:
        return render_block({"NAME": value}).split("\\n")[1]
    except ValueError as error:
        return "refused: %s" % error
print(json.dumps([render(value) for value in json.load(sys.stdin)]))
`
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], {
      input: JSON.stringify(values),
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    const refused = expect.stringMatching(/^refused: the value of NAME /)
    expect(JSON.parse(stdout)).toEqual([
      ...Array.from({ length: 7 }, () => refused),
      ...["NAME='7'", "NAME=''", 'NAME=\'a "b" $TARGET$ \\ ü\''],
    ])
  })

  it('turns warnings into Ansible’s', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    appendFileSync(join(root, 'root/config.env'), 'FINDTIM=2d\n')
    const { text, problems } = apply({ root }, '--check')
    expect(problems).toMatchObject([{ code: 'near-miss', line: 7 }])
    expect(text.replace(/\s+/g, ' ')).toContain('sets FINDTIM, which portward does not know')
  })

  it('warns of what could not be proved', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const executable = join(home, 'unproved')
    const check =
      '{"code": "lab", "title": "the lab", "result": "skip", "message": "ip is missing", "hint": ""}'
    writeFileSync(
      executable,
      `#!/bin/sh\n${join(checkout, 'bin/portward')} "$@" | sed 's/"checks": \\[\\]/"checks": [${check}]/'\n`,
      { mode: 0o755 },
    )
    expect(apply({ root, executable }).text.replace(/\s+/g, ' ')).toContain(
      'not proved: the lab: ip is missing',
    )
  })

  it('says in check mode that something would change where portward is not installed, and fails otherwise', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const args = { root, executable: '/nowhere/portward' }
    expect(apply(args, '--check')).toMatchObject({ changed: true })
    expect(apply(args)).toMatchObject({ failed: true, msg: '/nowhere/portward is not installed here' })
  })

  it('passes on what portward says about wrong usage', () => {
    expect(apply({ root: '/nowhere' })).toMatchObject({
      failed: true,
      rc: 64,
      msg: expect.stringContaining('/nowhere is not a directory'),
    })
  })

  it('refuses a document of a version that it does not know', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const executable = join(home, 'portward')
    writeFileSync(
      executable,
      `#!/bin/sh\nexec "$REAL" "$@" | sed 's/"version": 1,/"version": 2,/'\n`.replace(
        '"$REAL"',
        join(checkout, 'bin/portward'),
      ),
      { mode: 0o755 },
    )
    expect(apply({ root, executable }, '--check')).toMatchObject({
      failed: true,
      msg: "portward's JSON has version 2, not 1",
    })
  })
})

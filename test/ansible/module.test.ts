import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { contentsOf, copyOf, fixtures } from '../tree.ts'
import { installCollection } from './collection.ts'
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
  readonly warnings?: readonly string[]
  readonly rc?: number
}

/**
 * Runs the module for each line that it reads, in a process that has loaded Ansible already: to start Ansible takes longer
 * than all that the module does. Ansible's own function renders the diff, as for `--diff`.
 */
const DRIVER = `
import io, json, os, sys
from contextlib import redirect_stdout
sys.dont_write_bytecode = True
from ansible.module_utils import basic
from ansible.plugins.callback import CallbackBase
from ansible_collections.portward.portward.plugins.modules import apply
basic._ANSIBLE_PROFILE = 'legacy'
for line in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': json.loads(line)}).encode()
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            apply.main()
    except SystemExit as end:
        # What Ansible adds itself.
        result = {'changed': False, **json.loads(output.getvalue()), 'failed': end.code != 0}
    print(json.dumps(dict(result, shown=CallbackBase()._get_diff(result.get('diff') or []))), flush=True)
    os._exit(0)
`

describeWith({ '/usr/bin/ansible': 'ansible-core' }, 'the module portward.portward.apply, on a tree', () => {
  const home = mkdtempSync(join(tmpdir(), 'portward-ansible-'))
  const { env } = installCollection(home)
  const driver = spawn('/usr/bin/python3', ['-c', DRIVER], {
    env: { ...env, PYTHONPATH: home },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: driver.stdout })[Symbol.asyncIterator]()
  afterAll(async () => {
    driver.stdin.end()
    await once(driver, 'exit')
    rmSync(home, { recursive: true, force: true })
  })

  const executable = join(checkout, 'bin/portward')

  /** Runs the module. */
  const apply = async (args: object, ...options: ('--check' | '--diff')[]): Promise<Result> => {
    const mode = {
      _ansible_check_mode: options.includes('--check'),
      _ansible_diff: options.includes('--diff'),
      _ansible_remote_tmp: home,
    }
    driver.stdin.write(`${JSON.stringify({ executable, ...args, ...mode })}\n`)
    const { value } = await answers.next()
    return JSON.parse(value)
  }

  /** Runs the module by way of Ansible's command line; returns all that it prints. */
  const ansible = (args: object, ...options: string[]): string => {
    const command = ['localhost', '-m', 'portward.portward.apply', ...options]
    const { stdout, stderr } = spawnSync(
      '/usr/bin/ansible',
      [...command, '-a', JSON.stringify({ executable, ...args })],
      { env, encoding: 'utf8' },
    )
    return `${stdout}\n${stderr}`
  }

  /** What `portward plan` prints as a diff. */
  const ownDiff = (root: string): string => {
    const { stdout } = spawnSync(join(checkout, 'bin/portward'), [
      ...['plan', '--format', 'diff', '--root', root],
    ])
    return stdout.toString()
  }

  it('plans in check mode, shows the exact diff, and touches nothing', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contentsOf(root)
    const expected = ownDiff(root)
    const result = await apply({ root }, '--check', '--diff')
    expect(result).toMatchObject({ changed: true, version: 3, problems: [], checks: [] })
    expect(result).toMatchObject({ root, release: 'sysv-1.2', wrappers: [], inSync: false, inexact: [] })
    expect(result.shown).toBe(expected)
    expect(contentsOf(root)).toEqual(before)
  })

  it('does so when Ansible runs it, which shows the diff and the warnings', () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    appendFileSync(join(root, 'root/config.env'), 'FINDTIM=2d\n')
    const before = contentsOf(root)
    const printed = ansible({ root }, '--check', '--diff')
    expect(printed.startsWith(`${ownDiff(root)}localhost | CHANGED => {`)).toBe(true)
    expect(printed.replace(/\s+/g, ' ')).toMatch(/\[WARNING\]: .*sets FINDTIM, which portward does not know/)
    expect(contentsOf(root)).toEqual(before)
  })

  it('applies, then has nothing to do', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const first = await apply({ root })
    expect(first.changed).toBe(true)
    expect(first.steps?.map(({ kind }) => kind)).toContain('write')
    const after = contentsOf(root)
    expect(await apply({ root })).toMatchObject({ changed: false, steps: [] })
    expect(await apply({ root }, '--check', '--diff')).toMatchObject({ changed: false, steps: [], shown: '' })
    expect(contentsOf(root)).toEqual(after)
  })

  it('shows UTF-8 as such, other bytes as they came, and no control character', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = Buffer.from('# Straße \u001b[2J\n# caf\u00e9\n', 'utf8')
    appendFileSync(join(root, 'etc/default/portsentry'), before)
    appendFileSync(join(root, 'etc/default/portsentry'), Buffer.from('# caf\u00e9\n', 'latin1'))
    const { shown, steps } = await apply({ root }, '--check', '--diff')
    expect(shown).toContain(' # Straße ^[[2J\n # café\n # café\n')
    expect(steps?.find(({ path }) => path === '/etc/default/portsentry')?.diff).toContain('# StraÃ\u009fe')
  })

  it('writes config.env from variables once portward has succeeded with them', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const variables = {
      LAN_NM: 24,
      LAN_IP: '192.168.1.10',
      KILL_ROUTE: '/sbin/ip route add blackhole $TARGET$',
      HOME: '',
    }
    const config = join(root, 'root/config.env')
    const stock = readFileSync(config, 'utf8')
    const planned = await apply({ root, variables }, '--check', '--diff')
    expect(planned.changed).toBe(true)
    expect(planned.shown).toMatch(
      /^--- before: .*\n(?:.*\n)*?-LAN_NM=255\.255\.255\.0\n(?:.*\n)*?\+LAN_NM='24'\n/,
    )
    expect(readFileSync(config, 'utf8')).toBe(stock)
    const applied = await apply({ root, variables })
    expect(applied.steps).toEqual(planned.steps)
    expect(readFileSync(config, 'utf8')).toMatch(
      /^# BEGIN .*\nHOME=''\nKILL_ROUTE='\/sbin\/ip route add blackhole \$TARGET\$'\nLAN_IP='192\.168\.1\.10'\nLAN_NM='24'\n# END /,
    )
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(await apply({ root, variables })).toMatchObject({ changed: false })
  })

  it('keeps the lines of others in config.env, and does not show them', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const config = join(root, 'root/config.env')
    const others = '# caf\xe9 of others\nTOKEN="two\nlines"\nexport URL=http://${LAN_IP}/\nBANTIME=1w\n'
    writeFileSync(config, `LAN_NM=24 # old\n${others}export LAN_IP="192.168.1.9"`, 'latin1')
    const variables = { LAN_NM: 24, LAN_IP: '192.168.1.10', FINDTIME: '1h' }
    const { shown } = await apply({ root, variables }, '--diff')
    expect(shown).toMatch(/^-LAN_NM=24 # old$/m)
    expect(shown).toMatch(/^-export LAN_IP="192\.168\.1\.9"$/m)
    expect(shown).toMatch(/^\+FINDTIME='1h'$/m)
    expect(shown).not.toMatch(/of others|TOKEN|lines"|URL/)
    const block = (names: string) =>
      `# BEGIN portward.portward: written by Ansible, changes made in here are lost\n${names}# END portward.portward\n`
    const required = "LAN_IP='192.168.1.10'\nLAN_NM='24'\n"
    expect(readFileSync(config, 'latin1')).toBe(block(`FINDTIME='1h'\n${required}`) + others)
    expect(await apply({ root, variables })).toMatchObject({ changed: false })
    expect((await apply({ root, variables: { LAN_NM: 24, LAN_IP: '192.168.1.10' } })).changed).toBe(true)
    expect(readFileSync(config, 'latin1')).toBe(block(required) + others)
  })

  it('corrects the mode of config.env, and says so', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const config = join(root, 'root/config.env')
    const variables = { LAN_NM: 24, LAN_IP: '192.168.1.10' }
    await apply({ root, variables })
    chmodSync(config, 0o664)
    const planned = await apply({ root, variables }, '--check', '--diff')
    expect(planned).toMatchObject({ changed: true, steps: [] })
    expect(planned.shown).toMatch(/^chown, chmod .*: owner (\d+), mode 0600; now owner \1, mode 0664\n$/)
    expect(statSync(config).mode & 0o777).toBe(0o664)
    expect(await apply({ root, variables })).toMatchObject({ changed: true })
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(await apply({ root, variables })).toMatchObject({ changed: false })
  })

  it('fails before anything is changed where config.env cannot be written', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contentsOf(root)
    const args = {
      root,
      config: join(root, 'nowhere/config.env'),
      variables: { LAN_NM: 24, LAN_IP: '192.168.1.10' },
    }
    for (const options of [[], ['--check']] as const) {
      expect(await apply(args, ...options)).toMatchObject({
        failed: true,
        msg: expect.stringContaining('/nowhere is not a directory'),
      })
      expect(contentsOf(root)).toEqual(before)
    }
  })

  it('leaves config.env and the files alone where portward fails, and tells why as data', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contentsOf(root)
    const result = await apply({ root, variables: { LAN_IP: '192.168.1.10', LAN_NM: 33 } })
    expect(result).toMatchObject({ changed: false, failed: true, rc: 78 })
    expect(result.msg).toBe(
      `${root}/root/config.env:3: LAN_NM is "33", over 32 bits - use 255.255.255.0, 24 or /24`,
    )
    expect(result.problems).toMatchObject([{ code: 'netmask', line: 3, path: `${root}/root/config.env` }])
    expect(contentsOf(root)).toEqual(before)
  })

  it('leaves all of it alone where config.env cannot hold a value', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const before = contentsOf(root)
    const variables = { LAN_IP: '192.168.1.10', LAN_NM: 24, KILL_RUN_CMD: "echo 'no'" }
    expect(await apply({ root, variables })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('the value of KILL_RUN_CMD has a single quote'),
    })
    expect(contentsOf(root)).toEqual(before)
  })

  it('refuses values that config.env cannot hold, and takes all others', async () => {
    const values = ["it's", 'a\nb', 'a\r', ['a'], { a: 1 }, true, null, 7, '', 'a "b" $TARGET$ \\ ü']
    const script = `
import json, sys
sys.dont_write_bytecode = True
from ansible_collections.portward.portward.plugins.modules.apply import render_block
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
      env: { ...env, PYTHONPATH: home },
    })
    expect(stderr).toBe('')
    const refused = expect.stringMatching(/^refused: the value of NAME /)
    expect(JSON.parse(stdout)).toEqual([
      ...Array.from({ length: 7 }, () => refused),
      ...["NAME='7'", "NAME=''", 'NAME=\'a "b" $TARGET$ \\ ü\''],
    ])
  })

  it('turns warnings into Ansible’s', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    appendFileSync(join(root, 'root/config.env'), 'FINDTIM=2d\n')
    const { warnings, problems } = await apply({ root }, '--check')
    expect(problems).toMatchObject([{ code: 'near-miss', line: 7 }])
    expect(warnings).toEqual([expect.stringContaining('sets FINDTIM, which portward does not know')])
  })

  it('warns of what could not be proved', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const executable = join(home, 'unproved')
    const check =
      '{"code": "lab", "title": "the lab", "result": "skip", "message": "ip is missing", "hint": ""}'
    writeFileSync(
      executable,
      `#!/bin/sh\n${join(checkout, 'bin/portward')} "$@" | sed 's/"checks": \\[\\]/"checks": [${check}]/'\n`,
      { mode: 0o755 },
    )
    expect((await apply({ root, executable })).warnings).toEqual(['not proved: the lab: ip is missing'])
  })

  it('says in check mode that something would change where portward is not installed, and fails otherwise', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const args = { root, executable: '/nowhere/portward' }
    expect(await apply(args, '--check')).toMatchObject({ changed: true })
    expect(await apply(args)).toMatchObject({ failed: true, msg: '/nowhere/portward is not installed here' })
  })

  it('passes on what portward says about wrong usage', async () => {
    expect(await apply({ root: '/nowhere' })).toMatchObject({
      failed: true,
      rc: 64,
      msg: expect.stringContaining('/nowhere is not a directory'),
    })
  })

  it('refuses a document of a version that it does not know', async () => {
    const root = copyOf(join(fixtures, 'sample-server'))
    const executable = join(home, 'portward')
    writeFileSync(
      executable,
      `#!/bin/sh\nexec "$REAL" "$@" | sed 's/"version": 3,/"version": 4,/'\n`.replace(
        '"$REAL"',
        join(checkout, 'bin/portward'),
      ),
      { mode: 0o755 },
    )
    expect(await apply({ root, executable }, '--check')).toMatchObject({
      failed: true,
      msg: "portward's JSON has version 4, not 3",
    })
  })
})

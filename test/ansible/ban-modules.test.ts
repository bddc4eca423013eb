import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { installCollection } from './collection.ts'
import { describeWith } from './requirements.ts'

/** Runs one of the modules as Ansible does on the target, in check mode if it is to. */
const DRIVER = `
import importlib, json, sys
sys.dont_write_bytecode = True
from ansible.module_utils import basic
basic._ANSIBLE_PROFILE = 'legacy'
name, args = sys.argv[1:]
basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': json.loads(args)}).encode()
importlib.import_module('ansible_collections.portward.portward.plugins.modules.' + name).main()
`

const became = (address: string, outcome: string, message = '') => ({
  ...{ address, outcome, message, reason: null, from: null, until: null },
})
const document = (addresses: readonly object[], notes: readonly string[] = []) =>
  JSON.stringify({ version: 3, command: 'ban', dryRun: false, changed: true, counts: {}, notes, addresses })

describeWith({ '/usr/bin/ansible': 'ansible-core' }, 'the modules info and ban', () => {
  const home = mkdtempSync(join(tmpdir(), 'portward-ansible-'))
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  const { env } = installCollection(home)
  const path = (name: string) => join(home, name)
  const executable = path('portward')
  // Writes down how it is called, and prints what it is to.
  writeFileSync(
    executable,
    `#!/bin/sh\necho "$@" >>${path('calls')}\ncase "$*" in *--file*) cat >>${path('calls')}; echo >>${path('calls')};; esac\ncat ${path('answer')}\nexit $(cat ${path('code')})\n`,
    { mode: 0o755 },
  )

  const run = (module: string, args: object, answer = '', code = 0) => {
    writeFileSync(path('answer'), answer)
    writeFileSync(path('code'), String(code))
    rmSync(path('calls'), { force: true })
    const given = JSON.stringify({ executable, _ansible_remote_tmp: home, ...args })
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', DRIVER, module, given], {
      ...{ encoding: 'utf8', env: { ...env, PYTHONPATH: home } },
    })
    expect(stdout, stderr).toMatch(/^\s*\{/)
    const calls = existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : []
    return { ...JSON.parse(stdout), calls }
  }

  it('return the documents that are asked for, and change nothing', () => {
    const bans = { version: 3, command: 'bans', host: 'web-1', bans: [] }
    const result = run('info', { gather: ['bans'] }, JSON.stringify(bans))
    expect(result).toMatchObject({ changed: false, bans, calls: ['bans --json'] })
    const failure = '{"version": 3, "command": "bans", "error": {"message": "no disk", "hint": "buy one"}}'
    expect(run('info', {}, failure, 1)).toMatchObject({ failed: true, msg: 'no disk - buy one' })
  })

  it('ban addresses for a time and with a reason', () => {
    const args = { addresses: ['203.0.113.7', '203.0.113.8'], duration: '1d', reason: 'a b' }
    const answer = document([became('203.0.113.7', 'banned'), became('203.0.113.8', 'held')], ['too long'])
    const result = run('ban', args, answer)
    expect(result).toMatchObject({ changed: true, warnings: ['too long'] })
    expect(result.calls).toEqual(['ban --file - --for 1d --reason a b --json', ...args.addresses])
    expect(result.diff.prepared).toBe('banned 203.0.113.7, until the jail decides\n')
  })

  it('ban nobody in check mode, and say that nothing changes where nothing would', () => {
    const args = { addresses: ['203.0.113.8'], _ansible_check_mode: true }
    const result = run('ban', args, document([became('203.0.113.8', 'held')]))
    expect(result).toMatchObject({ changed: false, calls: ['ban --file - --dry-run --json', '203.0.113.8'] })
  })

  it('fail over a protected address that is named, and warn of one in a list', () => {
    const answer = document([became('192.168.1.7', 'refused', 'protected by LAN_IP')])
    const named = run('ban', { addresses: ['192.168.1.7'] }, answer, 1)
    expect(named).toMatchObject({ failed: true, msg: 'not banned: 192.168.1.7: protected by LAN_IP' })
    const lists = [{ version: 3, command: 'bans', host: 'web-1', bans: [] }]
    const listed = run('ban', { lists }, answer, 1)
    expect(listed).toMatchObject({
      ...{ changed: false, warnings: ['not banned: 192.168.1.7: protected by LAN_IP'] },
    })
    expect(listed.failed).toBeUndefined()
    expect(JSON.parse(listed.calls[1])).toEqual(lists[0])
  })

  it('fail where portward takes no list, or has another version', () => {
    const problem = { severity: 'error', code: 'bad-ban-list', message: 'is wrong', hint: 'see', path: '/x' }
    const answer = JSON.stringify({ version: 3, command: 'ban', problems: [problem] })
    expect(run('ban', { lists: [{}] }, answer, 1)).toMatchObject({ failed: true, msg: '/x: is wrong - see' })
    const newer = '{"version": 4}'
    expect(run('ban', { lists: [{}] }, newer)).toMatchObject({ msg: "portward's JSON has version 4, not 3" })
  })

  it('say in check mode that something would change where portward is missing', () => {
    const args = { addresses: ['203.0.113.7'], executable: '/nowhere/portward' }
    expect(run('ban', { ...args, _ansible_check_mode: true })).toMatchObject({ changed: true })
    expect(run('ban', args)).toMatchObject({ failed: true, msg: '/nowhere/portward is not installed here' })
  })
})

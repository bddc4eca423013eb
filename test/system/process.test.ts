import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { describeCommand, follow, tryRun } from '../../src/system/process.ts'

const shell = (script: string, timeoutMs?: number) =>
  tryRun('/bin/sh', ['-c', script], timeoutMs === undefined ? {} : { timeoutMs })

it.each([
  ['/usr/bin/fail2ban-regex', ['1795875568 - 11/28/2026 14:19:28 Host: 192.0.2.1', 'x'], 'fail2ban-regex'],
  ['systemctl', ['restart', 'portsentry'], 'systemctl restart'],
  ['sh', ['-c', 'set -e'], 'sh'],
  ['nft', [], 'nft'],
])('%s %j is waited for as %s', (file, args, expected) => expect(describeCommand(file, args)).toBe(expected))

// They wait rather than work: all at once.
describe.concurrent('tryRun', () => {
  it.each([
    ['an end', 'echo out; echo err >&2; exit 3', { exitCode: 3, stdout: 'out\n', stderr: 'err\n' }],
    ['a death by a signal', 'echo out; kill -TERM $$', { exitCode: 143, stdout: 'out\n' }],
    [
      'an end that leaves somebody behind, with its output open',
      'echo out; sleep 30 & exit 0',
      { exitCode: 0, stdout: 'out\n' },
    ],
  ])('tells of %s', async (_, script, expected) => {
    expect(await shell(script)).toMatchObject(expected)
  })

  it('says when a program cannot be started', async () => {
    const { exitCode, stderr } = await tryRun('/nowhere/program', [])
    expect(exitCode).toBe(127)
    expect(stderr).toContain('ENOENT')
  })

  it.each([
    ['itself', 'echo out; exec sleep 30'],
    ['and what it started', 'echo out; sleep 30 & sleep 30'],
    ['and what left its group and holds its output', 'echo out; setsid sleep 5 & exec sleep 30'],
  ])('ends a program that takes too long: %s', async (_, script) => {
    expect(await shell(script, 2000)).toEqual({
      exitCode: 137,
      stdout: 'out\n',
      stderr: 'did not end within 2 s',
    })
  })
})

describe.concurrent('follow', () => {
  it('gives what a program says while it works, and how it ended', async () => {
    const program = follow('/bin/sh', ['-c', 'echo first; echo warning >&2; read word; echo "$word"; exit 3'])
    const [first] = await once(program.stdout.setEncoding('utf8'), 'data')
    expect(first).toBe('first\n')
    program.stdin.end('second\n')
    const [second] = await once(program.stdout, 'data')
    expect(second).toBe('second\n')
    expect(await program.ended).toEqual({ exitCode: 3, stderr: 'warning' })
    program.stdin.write('too late')
  })

  it('says when a program cannot be started', async () => {
    const { exitCode, stderr } = await follow('/nowhere/program', []).ended
    expect(exitCode).toBe(127)
    expect(stderr).toContain('ENOENT')
  })

  it('tells of a death by a signal', async () => {
    const program = follow('/bin/sh', ['-c', 'exec sleep 30'])
    program.kill()
    expect((await program.ended).exitCode).toBe(143)
  })
})

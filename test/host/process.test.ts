import { describe, expect, it } from 'vitest'
import { tryRun } from '../../src/host/process.ts'

const shell = (script: string, timeoutMs?: number) =>
  tryRun('/bin/sh', ['-c', script], timeoutMs === undefined ? {} : { timeoutMs })

// They wait rather than work: all at once.
describe.concurrent('tryRun', () => {
  it.each([
    ['an end', 'echo out; echo err >&2; exit 3', { exitCode: 3, stdout: 'out\n', stderr: 'err\n' }],
    ['a death by a signal', 'echo out; kill -TERM $$', { exitCode: 127, stdout: 'out\n' }],
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
      exitCode: 127,
      stdout: 'out\n',
      stderr: 'no end after 2 s',
    })
  })
})

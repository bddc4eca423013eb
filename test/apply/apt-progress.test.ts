import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { tellingProgress } from '../../src/apply/apt-progress.ts'
import { tryRun } from '../../src/system/process.ts'
import { watchedBy } from '../../src/system/progress.ts'
import { temporaryDirectory } from '../tree.ts'

/** What a program in place of apt tells of its progress by these commands, and how it ends. */
const told = async (script: string, directory: string) => {
  const advances: string[] = []
  const watcher = { began: () => {}, ended: () => {}, remarked: () => {} }
  const advanced = ({ percent, text }: { percent: number; text: string }) => {
    advances.push(`${percent} ${text}`)
  }
  const { exitCode, stdout } = await watchedBy({ ...watcher, advanced }, () =>
    tellingProgress(
      (options, descriptor) =>
        tryRun('/bin/sh', ['-c', `echo "$@"; ${script}`, 'sh', ...options], {
          lock: temporaryDirectory(),
          ...(descriptor === undefined ? {} : { descriptor }),
        }),
      directory,
    ),
  )
  return { advances, exitCode, options: stdout.trim() }
}

it('tells how far apt is while it works, under a lock, too', async () => {
  const script =
    'echo "pmstatus:x:10:Unpacking x" >&3; sleep 0.6; echo "pmstatus:x:20:Configuring x" >&3; sleep 0.6'
  expect(await told(script, temporaryDirectory())).toEqual({
    advances: ['10 Unpacking x', '20 Configuring x'],
    exitCode: 0,
    options: '-o APT::Status-Fd=3',
  })
})

it.runIf(process.getuid?.() === 0)('does without where there is no room for the status', async () => {
  const directory = temporaryDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])
  try {
    expect(await told('test ! -e /proc/self/fd/3', directory)).toEqual({
      ...{ advances: [], exitCode: 0, options: '' },
    })
  } finally {
    execFileSync('umount', [directory])
  }
})

it('does without where there is no place for the status', async () => {
  expect(await told('true', '/nowhere')).toEqual({ advances: [], exitCode: 0, options: '' })
})

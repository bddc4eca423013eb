import { existsSync, readFileSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readInit } from '../facts/systemd.ts'
import { effect } from '../system/effect.ts'
import { removeFile, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { LOCK } from '../system/lock.ts'
import { run, tryRun } from '../system/process.ts'

const UNIT = 'portward-unconfirmed'
export const UNIT_DIRECTORY = '/etc/systemd/system'
const HINT = 'see systemctl status portward-unconfirmed.timer'

const pathOf = (kind: 'service' | 'timer'): string => join(UNIT_DIRECTORY, `${UNIT}.${kind}`)

/**
 * An apply, or another portward, may be running when the time is up: the rollback waits for it, and so is one that takes the lock in
 * between. The lock's file must not be readable to others where this is what makes it.
 */
const serviceText = (
  command: string,
): string => `# Made by "portward apply --confirm-within"; removed by the confirmation.
[Unit]
Description=Roll back what portward applied and was not confirmed

[Service]
Type=oneshot
ExecStartPre=/bin/sh -c 'umask 077; exec flock ${LOCK} true'
ExecStart=${command} rollback --yes --unconfirmed
Restart=on-failure
RestartSec=5
`

/** Counted from its start by the monotonic clock; after a reboot it starts anew. */
const timerText = (
  withinMs: number,
): string => `# Made by "portward apply --confirm-within"; removed by the confirmation.
[Unit]
Description=Wait for "portward confirm"

[Timer]
OnActiveSec=${Math.ceil(withinMs / 1000)}
AccuracySec=1

[Install]
WantedBy=timers.target
`

/**
 * Has systemd roll back what is not confirmed in time, whatever becomes of this process, of the session or of the
 * machine. Throws HostError.
 */
export const arm = async (withinMs: number): Promise<void> => {
  if (readInit() !== 'systemd') {
    throw new HostError(
      '--confirm-within needs systemd, which does not run here',
      'run apply without --confirm-within',
    )
  }
  const command = `"${process.execPath}" "${await realpath(process.argv[1] ?? '')}"`
  await replaceFile('/', pathOf('service'), serviceText(command), 0o644)
  await replaceFile('/', pathOf('timer'), timerText(withinMs), 0o644)
  await effect('run systemctl enable portward-unconfirmed.timer', async () => {
    await run('systemctl', ['daemon-reload'], HINT)
    await run('systemctl', ['enable', `${UNIT}.timer`], HINT)
    // What an earlier timer has started waits for the end of this very portward.
    await tryRun('systemctl', ['stop', `${UNIT}.service`])
    await tryRun('systemctl', ['reset-failed', `${UNIT}.service`])
    // Not only started: one that has run out stays so.
    await run('systemctl', ['restart', `${UNIT}.timer`], HINT)
  })
}

/** Until the timer starts the rollback, in ms and at least 0; null where it does not run. Needs no root. */
export const readTimeLeft = async (): Promise<number | null> => {
  const text = await readFile(pathOf('timer'), 'utf8').catch(() => '')
  const seconds = Number(/^OnActiveSec=(\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  const { stdout } = await tryRun('systemctl', [
    'show',
    `${UNIT}.timer`,
    '--property=ActiveState,ActiveEnterTimestampMonotonic',
  ])
  const began = /^ActiveEnterTimestampMonotonic=([1-9]\d*)$/m.exec(stdout)?.[1]
  if (!/^ActiveState=active$/m.test(stdout) || began === undefined || Number.isNaN(seconds)) return null
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n)
  return Math.max(0, Number(began) / 1000 + seconds * 1000 - nowMs)
}

/** Whether there is a timer that waits, or has run out. Needs no root. */
export const isArmed = (): boolean => existsSync(pathOf('timer'))

/** Whether this process is the timer's rollback. */
const isTimersRollback = (): boolean => readFileSync('/proc/self/cgroup', 'utf8').includes(`/${UNIT}.service`)

/** Removes the timer, where there is one, with what it may have started meanwhile. Throws HostError. */
export const disarm = async (): Promise<void> => {
  if (!existsSync(pathOf('timer')) && !existsSync(pathOf('service'))) return
  await effect('run systemctl disable portward-unconfirmed.timer', async () => {
    await tryRun('systemctl', ['disable', '--now', `${UNIT}.timer`])
    if (!isTimersRollback()) await tryRun('systemctl', ['stop', `${UNIT}.service`])
  })
  await removeFile('/', pathOf('timer'))
  await removeFile('/', pathOf('service'))
  await effect('run systemctl daemon-reload', async () => {
    await tryRun('systemctl', ['daemon-reload'])
    // Stopped while it waited, it would be shown as failed until the next boot.
    await tryRun('systemctl', ['reset-failed', `${UNIT}.service`])
  })
}

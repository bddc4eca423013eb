import { existsSync, readFileSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readInit } from '../facts/systemd.ts'
import type { SeenRollback } from '../policy/confirmation.ts'
import { monotonicMs } from '../system/clock.ts'
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
 * An apply, or another portward, may be running when the time is up: the rollback waits for it, and tries again if yet another
 * one takes the lock in between. The umask keeps the lock file unreadable for other users if flock creates it.
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

/** The time counts from the timer's start, by the monotonic clock; after a reboot it starts anew. */
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
 * Makes systemd roll back what is not confirmed in time, even if this process or the session ends or the machine reboots.
 * Throws HostError.
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
    // A rollback that an earlier timer has started is waiting for this portward to end.
    await tryRun('systemctl', ['stop', `${UNIT}.service`])
    await tryRun('systemctl', ['reset-failed', `${UNIT}.service`])
    // Restart, not start: a timer that has elapsed would not run again.
    await run('systemctl', ['restart', `${UNIT}.timer`], HINT)
  })
}

/** What is seen of the timer and of the rollback that it starts. Works without root. */
export const readTimer = async (): Promise<Pick<SeenRollback, 'timerLeftMs' | 'service'>> => {
  const text = await readFile(pathOf('timer'), 'utf8').catch(() => '')
  const seconds = Number(/^OnActiveSec=(\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  const properties = '--property=ActiveState,SubState,ActiveEnterTimestampMonotonic'
  const { stdout } = await tryRun('systemctl', ['show', `${UNIT}.timer`, `${UNIT}.service`, properties])
  // A paragraph for each unit.
  const [timer = '', rollback = ''] = stdout.split('\n\n')
  const began = /^ActiveEnterTimestampMonotonic=([1-9]\d*)$/m.exec(timer)?.[1]
  const isRunning = /^ActiveState=active$/m.test(timer) && began !== undefined && !Number.isNaN(seconds)
  const state = /^SubState=(.*)$/m.exec(rollback)?.[1] ?? ''
  return {
    timerLeftMs: isRunning ? Math.max(0, Number(began) / 1000 + seconds * 1000 - monotonicMs()) : null,
    service:
      state === 'start' ? 'running' : ['start-pre', 'auto-restart'].includes(state) ? 'waiting' : 'inactive',
  }
}

/** Whether there is a timer, waiting or elapsed. Works without root. */
export const isArmed = (): boolean => existsSync(pathOf('timer'))

/** Whether this process is the timer's rollback. */
const isTimersRollback = (): boolean => readFileSync('/proc/self/cgroup', 'utf8').includes(`/${UNIT}.service`)

/** Removes the timer, if it exists, and stops the rollback that it may have started. Throws HostError. */
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
    // A unit that was stopped while it waited would be shown as failed until the next boot.
    await tryRun('systemctl', ['reset-failed', `${UNIT}.service`])
  })
}

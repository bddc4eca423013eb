import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DaemonProcess, readDaemons, type Service } from '../facts/daemons.ts'
import { RELOADED } from '../facts/fail2ban-reload.ts'
import { readInit, WANTS } from '../facts/systemd.ts'
import type { RestartStep } from '../plan/plan.ts'
import { BANS_UNIT } from '../policy/ban-set.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import { effect } from '../system/effect.ts'
import { errnoOf, HostError } from '../system/host-error.ts'
import { run, tryRun } from '../system/process.ts'
import { waitingFor } from '../system/waiting.ts'

/** Asked first: one that can't be started must not be stopped, and enabling an init script fails half-way. */
const expectNotMasked = async (unit: string): Promise<void> => {
  if (readInit() === 'sysv') return
  const { stdout } = await tryRun('systemctl', ['show', '--property=LoadState', unit])
  if (!stdout.includes('=masked')) return
  throw new HostError(`${unit} is masked`, `systemctl unmask ${unit}`)
}

/** Has a unit or init script start at boot. */
export const enable = async (unit: string): Promise<void> => {
  const isSystemd = readInit() === 'systemd'
  await expectNotMasked(unit)
  await effect(`run ${isSystemd ? 'systemctl' : 'update-rc.d'} enable ${unit}`, () =>
    isSystemd
      ? run('systemctl', ['enable', unit], 'see whether the unit is masked')
      : run('update-rc.d', [unit, 'enable'], 'see whether its init script is there'),
  )
}

/** Keeps a unit from starting at boot, also where its unit file is gone and only the link is left. It goes on running. */
export const disableAtBoot = (unit: string): Promise<void> =>
  effect(`run systemctl disable ${unit}`, async () => {
    if (readInit() === 'sysv') {
      await run('update-rc.d', [unit, 'disable'], 'see whether its init script is there')
      return
    }
    await tryRun('systemctl', ['disable', unit])
    await rm(join(WANTS, `${unit}.service`), { force: true })
    await run('systemctl', ['daemon-reload'], 'see systemctl status')
  })

/** Keeps a unit from starting at boot and stops it. */
export const disable = async (unit: string): Promise<void> => {
  if (readInit() === 'systemd') await tryRun('systemctl', ['stop', unit], { purpose: `${unit} to stop` })
  await disableAtBoot(unit)
  if (readInit() === 'systemd') await tryRun('systemctl', ['reset-failed', unit])
}

export const SERVICES: readonly Service[] = ['portsentry', 'fail2ban']

const STOP_TIMEOUT_MS = 15_000
/** When daemons are sent a signal: nothing else stops those whose init script went with its package. */
const SIGNAL_AFTER_MS = 3_000
const POLL_MS = 50

const signal = (daemons: readonly DaemonProcess[], name: 'SIGTERM' | 'SIGKILL'): void => {
  for (const { pid } of daemons) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error
    }
  }
}

/** Ends all daemons of a service, by whichever units they run, and waits. Throws HostError where they stay. */
export const stopService = (service: Service): Promise<void> =>
  effect(`run systemctl stop ${service}`, async () => {
    // One that is stopped, or hangs in opening a FIFO, takes no SIGTERM: systemd would wait for 90 s. It has nothing to lose.
    const running = await readDaemons(service)
    signal(
      running.filter(({ args, liveness }) => judgeLiveness(args, liveness).watches === false),
      'SIGKILL',
    )
    // Stopping what does not run may fail; what matters is that nothing runs afterwards.
    const purpose = `${service} to stop`
    if (readInit() === 'sysv') await tryRun('service', [service, 'stop'], { purpose })
    else {
      await tryRun('systemctl', ['stop', `${service}.service`], { purpose })
      await tryRun('systemctl', ['stop', `${service}@*.service`], { purpose })
      // portsentry 1.2 exits with an error when it is stopped.
      await tryRun('systemctl', ['reset-failed', `${service}@*.service`])
    }
    await waitingFor(`the processes of ${service} to end`, STOP_TIMEOUT_MS, () => waitForEnd(service))
  })

/** Ends both services. Throws HostError. */
export const stopServices = async (): Promise<void> => {
  for (const service of SERVICES) await stopService(service)
}

const waitForEnd = async (service: Service): Promise<void> => {
  const begun = performance.now()
  for (;;) {
    const daemons = await readDaemons(service)
    if (daemons.length === 0) return
    const elapsed = performance.now() - begun
    if (elapsed > SIGNAL_AFTER_MS) signal(daemons, 'SIGTERM')
    if (elapsed > STOP_TIMEOUT_MS) {
      const pids = daemons.map(({ pid }) => pid).join(', ')
      throw new HostError(
        `${service} does not stop: processes ${pids} still run`,
        'end them, then run apply again',
      )
    }
    await sleep(POLL_MS)
  }
}

export const start = (unit: string): Promise<void> =>
  effect(`run systemctl start ${unit}`, async () => {
    const purpose = `${unit} to start`
    if (readInit() === 'sysv') {
      await run('service', [unit, 'start'], `see what service ${unit} status says`, { purpose })
      return
    }
    // systemd does not start a unit that kept failing for a while, unless its failures are reset.
    await tryRun('systemctl', ['reset-failed', unit])
    await run('systemctl', ['start', unit], `see what journalctl -u ${unit} says`, { purpose })
  })

/** Has systemd read its unit files. */
export const reloadUnits = async (): Promise<void> => {
  if (readInit() !== 'systemd') return
  await effect('run systemctl daemon-reload', () =>
    run('systemctl', ['daemon-reload'], 'see systemctl status'),
  )
}

/**
 * Ends a service and starts its units once the daemons are gone. The init script of portsentry neither waits for
 * the old daemons nor starts new ones beside them, so that a plain restart can end with none.
 */
export const restart = async ({ service, units }: Pick<RestartStep, 'service' | 'units'>): Promise<void> => {
  for (const unit of units) await expectNotMasked(unit)
  await stopService(service)
  await reloadUnits()
  for (const unit of units) await start(unit)
}

/**
 * Has fail2ban read the portsentry jail's options, filter and action again. Bans stay, and nothing is run for them. A reload
 * that fails may cost it the jail: it is restarted then. Throws HostError.
 */
export const reloadFail2ban = async (): Promise<void> => {
  // Before: what changes during the reload may not have been read.
  await writeFile(RELOADED, '', { mode: 0o644 })
  await effect('run fail2ban-client reload portsentry', () =>
    run('fail2ban-client', ['reload', 'portsentry'], 'see /var/log/fail2ban.log'),
  ).catch(() => restart({ service: 'fail2ban', units: ['fail2ban'] }))
}

/** Ends the unit that loads the ban set, now and at boot, while its file is there. Bans stay in force. */
export const stopBanUnit = async (): Promise<void> => {
  if (readInit() === 'systemd') await disable(BANS_UNIT)
}

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DaemonProcess, readDaemons, type Service } from '../facts/daemons.ts'
import { RELOADED } from '../facts/fail2ban-reload.ts'
import { loadedQuery, readInit, serviceOf, WANTS } from '../facts/systemd.ts'
import type { RestartStep } from '../plan/plan.ts'
import { BANS_UNIT } from '../policy/ban-set.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import { monotonicMs } from '../system/clock.ts'
import { effect } from '../system/effect.ts'
import { removeEntry } from '../system/files.ts'
import { errnoOf, HostError } from '../system/host-error.ts'
import { run, tryRun } from '../system/process.ts'
import { waitingFor } from '../system/progress.ts'
import { ask } from '../system/query.ts'

/**
 * Checked first: a unit that cannot be started must not be stopped, and enabling an init script fails half-way. Returns
 * whether systemd has to read its unit files again before it starts one of these.
 */
const expectNotMasked = async (units: readonly string[]): Promise<boolean> => {
  if (readInit() === 'sysv' || units.length === 0) return false
  const { masked, areStale } = await ask(loadedQuery(units))
  if (masked === undefined) return areStale
  throw new HostError(`${masked} is masked`, `systemctl unmask ${masked}`)
}

/** Enables a unit or init script at boot. */
export const enable = async (unit: string): Promise<void> => {
  const isSystemd = readInit() === 'systemd'
  await expectNotMasked([unit])
  await effect(`run ${isSystemd ? 'systemctl' : 'update-rc.d'} enable ${unit}`, () =>
    isSystemd
      ? run('systemctl', ['enable', unit], 'see whether the unit is masked')
      : run('update-rc.d', [unit, 'enable'], 'see whether its init script is there'),
  )
}

/** Disables a unit at boot, also if its unit file was removed and only the link is left. It continues to run. */
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

/**
 * Stops a unit; with a timer, also a run of its service, which would write its file after that is removed. One that is not loaded
 * cannot be stopped; a run that was stopped half-way would count as failed.
 */
const stopUnit = async (unit: string): Promise<void> => {
  if (readInit() !== 'systemd') return
  const units = unit.endsWith('.timer') ? [unit, serviceOf(unit)] : [unit]
  await tryRun('systemctl', ['stop', ...units], { purpose: `${unit} to stop` })
  for (const each of units) await tryRun('systemctl', ['reset-failed', each])
}

/** Disables a unit at boot and stops it. */
export const disable = async (unit: string): Promise<void> => {
  await stopUnit(unit)
  await disableAtBoot(unit)
}

export const SERVICES: readonly Service[] = ['portsentry', 'fail2ban']

const STOP_TIMEOUT_MS = 15_000
/** After this time daemons get a signal: nothing else stops those whose init script was removed with its package. */
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

/** Stops all daemons of a service, whichever units they run in, and waits. Throws HostError if they continue to run. */
export const stopService = (service: Service): Promise<void> =>
  effect(`run systemctl stop ${service}`, async () => {
    // A daemon that is stopped, or hangs opening a FIFO, does not react to SIGTERM: systemd would wait 90 s. It has no state to save.
    const running = await readDaemons(service)
    signal(
      running.filter(({ args, liveness }) => judgeLiveness(args, liveness).watches === false),
      'SIGKILL',
    )
    // Stopping a unit that does not run may fail; what matters is that no daemon runs afterwards.
    const purpose = `${service} to stop`
    if (readInit() === 'sysv') await tryRun('service', [service, 'stop'], { purpose })
    else {
      const units = [`${service}.service`, `${service}@*.service`]
      await tryRun('systemctl', ['stop', ...units], { purpose })
      // portsentry 1.2 exits with an error when it is stopped, and systemd does not start a unit that kept failing for a while.
      await tryRun('systemctl', ['reset-failed', ...units])
    }
    await waitingFor(`the processes of ${service} to end`, STOP_TIMEOUT_MS, () => waitForEnd(service))
  })

/** Stops both services. Throws HostError. */
export const stopServices = async (): Promise<void> => {
  for (const service of SERVICES) await stopService(service)
}

const waitForEnd = async (service: Service): Promise<void> => {
  const begun = monotonicMs()
  for (;;) {
    const daemons = await readDaemons(service)
    if (daemons.length === 0) return
    const elapsed = monotonicMs() - begun
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

/** Starts units that `stopService` has stopped. Throws HostError. */
export const start = (units: readonly string[]): Promise<void> =>
  effect(`run systemctl start ${units.join(' ')}`, async () => {
    const purpose = `${units.join(' and ')} to start`
    if (readInit() === 'systemd') {
      await run('systemctl', ['start', ...units], `see what journalctl -u ${units.join(' -u ')} says`, {
        purpose,
      })
      return
    }
    for (const unit of units)
      await run('service', [unit, 'start'], `see what service ${unit} status says`, { purpose })
  })

/** Enables a timer and starts it, or starts it again with its unit files as they are now. */
export const startTimer = async (unit: string): Promise<void> => {
  await reloadUnits()
  await enable(unit)
  await effect(`run systemctl restart ${unit}`, () =>
    run('systemctl', ['restart', unit], `see what systemctl status ${unit} says`),
  )
}

/** Stops a timer and what it may be doing, and removes the file that it writes. */
export const discardOutput = async (timer: string, path: string): Promise<void> => {
  await effect(`stop ${timer}`, () => stopUnit(timer))
  // Whoever may write to the directory may have put a link there, which must not keep a rollback from ending.
  await removeEntry(path)
}

/** Makes systemd read its unit files. */
export const reloadUnits = async (): Promise<void> => {
  if (readInit() !== 'systemd') return
  await effect('run systemctl daemon-reload', () =>
    run('systemctl', ['daemon-reload'], 'see systemctl status'),
  )
}

/**
 * Stops a service and starts its units once the daemons have ended. The init script of portsentry neither waits for
 * the old daemons nor starts new ones beside them, so that after a plain restart none may be running.
 */
export const restart = async ({ service, units }: Pick<RestartStep, 'service' | 'units'>): Promise<void> => {
  const areStale = await expectNotMasked(units)
  await stopService(service)
  if (areStale) await reloadUnits()
  if (units.length > 0) await start(units)
}

/**
 * Makes fail2ban read the portsentry jail's options, filter and action again. Bans are kept, and no action is run for them.
 * If a reload fails, fail2ban may have lost the jail: then it is restarted. Throws HostError.
 */
export const reloadFail2ban = async (): Promise<void> => {
  // Noted before the reload: a file that changes during it may not have been read.
  await writeFile(RELOADED, '', { mode: 0o644 })
  await effect('run fail2ban-client reload portsentry', () =>
    run('fail2ban-client', ['reload', 'portsentry'], 'see /var/log/fail2ban.log'),
  ).catch(() => restart({ service: 'fail2ban', units: ['fail2ban'] }))
}

/** Stops and disables the unit that loads the ban set, while its file still exists. Bans remain in force. */
export const stopBanUnit = async (): Promise<void> => {
  if (readInit() === 'systemd') await disable(BANS_UNIT)
}

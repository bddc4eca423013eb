import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestartStep } from '../plan/plan.ts'
import type { DaemonProcess, LiveFacts } from '../policy/facts.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'
import { readDaemons } from './processes.ts'

type Init = LiveFacts['init']

const WANTS = '/etc/systemd/system/multi-user.target.wants'

/** What sd_booted(3) looks at. */
export const readInit = (): Init => (existsSync('/run/systemd/system') ? 'systemd' : 'sysv')

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/**
 * Units and init scripts of portsentry and fail2ban that start at boot. Instances of a template show by their
 * links, which stay when an upgrade takes the template away.
 */
export const readEnabled = async (init: Init): Promise<Set<string>> => {
  const names = ['portsentry', 'fail2ban']
  if (init === 'sysv') {
    const links = list('/etc/rc2.d')
    return new Set(
      names.filter((name) => links.some((link) => /^S\d\d/.test(link) && link.slice(3) === name)),
    )
  }
  const states = await Promise.all(names.map((name) => tryRun('systemctl', ['is-enabled', '--quiet', name])))
  const instances = list(WANTS).filter((link) => link.startsWith('portsentry@'))
  return new Set([
    ...names.filter((_, index) => states[index]?.exitCode === 0),
    ...instances.map((link) => link.replace(/\.service$/, '')),
  ])
}

export const enable = async (unit: string): Promise<void> => {
  if (readInit() === 'systemd') await run('systemctl', ['enable', unit], 'see whether the unit is masked')
  else await run('update-rc.d', [unit, 'enable'], 'see whether its init script is there')
}

/** Stops a unit and keeps it from starting at boot, also where its unit file is gone and only the link is left. */
export const disable = async (unit: string): Promise<void> => {
  await tryRun('systemctl', ['stop', unit])
  await tryRun('systemctl', ['disable', unit])
  await rm(join(WANTS, `${unit}.service`), { force: true })
  await run('systemctl', ['daemon-reload'], 'see systemctl status')
  await tryRun('systemctl', ['reset-failed', unit])
}

const isOf = (service: RestartStep['service'], { args }: DaemonProcess): boolean =>
  (args[0] === '/usr/sbin/portsentry') === (service === 'portsentry')

export const readDaemonsOf = async (service: RestartStep['service']): Promise<DaemonProcess[]> =>
  (await readDaemons()).filter((process) => isOf(service, process))

const STOP_TIMEOUT_MS = 15_000
const POLL_MS = 50

/** Ends all daemons of a service, by whichever units they run, and waits. Throws HostError where they stay. */
export const stop = async ({ service }: Pick<RestartStep, 'service'>): Promise<void> => {
  // Stopping what does not run may fail; what matters is that nothing runs afterwards.
  if (readInit() === 'sysv') await tryRun('service', [service, 'stop'])
  else {
    await tryRun('systemctl', ['stop', `${service}.service`])
    await tryRun('systemctl', ['stop', `${service}@*.service`])
    // portsentry 1.2 ends with an error when it is told to.
    await tryRun('systemctl', ['reset-failed', `${service}@*.service`])
  }
  const deadline = Date.now() + STOP_TIMEOUT_MS
  let daemons = await readDaemonsOf(service)
  while (daemons.length > 0) {
    if (Date.now() > deadline) {
      const pids = daemons.map(({ pid }) => pid).join(', ')
      throw new HostError(`${service} does not stop: processes ${pids} go on`, 'end them, then apply again')
    }
    await sleep(POLL_MS)
    daemons = await readDaemonsOf(service)
  }
}

/**
 * Ends a service and starts its units once the daemons are gone. The init script of portsentry neither waits for
 * the old daemons nor starts new ones beside them, so that a plain restart can end with none.
 */
export const restart = async (step: Pick<RestartStep, 'service' | 'units'>): Promise<void> => {
  await stop(step)
  if (readInit() === 'systemd') await run('systemctl', ['daemon-reload'], 'see systemctl status')
  for (const unit of step.units) {
    if (readInit() === 'systemd')
      await run('systemctl', ['start', unit], `see what journalctl -u ${unit} says`)
    else await run('service', [unit, 'start'], `see what service ${unit} status says`)
  }
}

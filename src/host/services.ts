import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveFacts } from '../policy/facts.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'
import { readDaemons } from './processes.ts'

export type Init = LiveFacts['init']

/** What sd_booted(3) looks at. */
export const readInit = (): Init => (existsSync('/run/systemd/system') ? 'systemd' : 'sysv')

/** Whether a service starts at boot. */
export const readEnabled = async (init: Init, service: string): Promise<boolean> => {
  if (init === 'systemd')
    return (await tryRun('systemctl', ['is-enabled', '--quiet', service])).exitCode === 0
  const links = existsSync('/etc/rc2.d') ? readdirSync('/etc/rc2.d') : []
  return links.some((link) => /^S\d\d/.test(link) && link.slice(3) === service)
}

export const enable = async (init: Init, service: string): Promise<void> => {
  if (init === 'systemd') await run('systemctl', ['enable', service], 'see whether the unit is masked')
  else await run('update-rc.d', [service, 'enable'], 'see whether its init script is there')
}

const command = (init: Init, service: string, verb: string): [string, string[]] =>
  init === 'systemd' ? ['systemctl', [verb, service]] : ['service', [service, verb]]

const STOP_TIMEOUT_MS = 15_000
const POLL_MS = 50

/** Stops a service and waits until its daemons are gone. Throws HostError where they stay. */
export const stop = async (
  init: Init,
  service: string,
  isDaemon: (word: string) => boolean,
): Promise<void> => {
  // Stopping what does not run may fail; what matters is that nothing runs afterwards.
  await tryRun(...command(init, service, 'stop'))
  const deadline = Date.now() + STOP_TIMEOUT_MS
  let daemons = await readDaemons(isDaemon)
  while (daemons.length > 0) {
    if (Date.now() > deadline) {
      const pids = daemons.map(({ pid }) => pid).join(', ')
      throw new HostError(`${service} does not stop: processes ${pids} go on`, 'end them, then apply again')
    }
    await sleep(POLL_MS)
    daemons = await readDaemons(isDaemon)
  }
}

/**
 * Stops a service and starts it once its daemons are gone. The init script of portsentry neither waits for the
 * old daemons nor starts new ones beside them, so that a plain restart can end with none.
 */
export const restart = async (
  init: Init,
  service: string,
  isDaemon: (word: string) => boolean,
): Promise<void> => {
  await stop(init, service, isDaemon)
  const log = init === 'systemd' ? `journalctl -u ${service}` : `service ${service} status`
  await run(...command(init, service, 'start'), `see what ${log} says`)
}

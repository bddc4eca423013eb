import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DaemonProcess, Service } from '../facts/daemons.ts'
import { readDaemons } from '../facts/daemons.ts'
import type { RestartStep } from '../plan/plan.ts'
import { BANS_UNIT } from '../policy/ban-set.ts'
import type { LiveFacts } from '../policy/facts.ts'
import { LEGACY_UNITS } from '../policy/legacy-bans.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import { effect } from './effect.ts'
import { errnoOf, HostError, messageOf } from './host-error.ts'
import { run, tryRun } from './process.ts'
import { findUnread, reloadJail } from './reload.ts'
import { waitingFor } from './waiting.ts'

type Init = LiveFacts['init']

const WANTS = '/etc/systemd/system/multi-user.target.wants'

/** What sd_booted(3) looks at. */
export const readInit = (): Init => (existsSync('/run/systemd/system') ? 'systemd' : 'sysv')

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/**
 * Units and init scripts of portsentry, fail2ban and portward that start at boot. Instances of a template show by their
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
  const asked = [...names, BANS_UNIT, ...LEGACY_UNITS]
  const states = await Promise.all(asked.map((name) => tryRun('systemctl', ['is-enabled', '--quiet', name])))
  // By their links, too, which are there when a unit file is not any more.
  const instances = list(WANTS).filter((link) => /^(?:portsentry@|portward-)/.test(link))
  return new Set([
    ...asked.filter((_, index) => states[index]?.exitCode === 0),
    ...instances.map((link) => link.replace(/\.service$/, '')),
  ])
}

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
const disableAtBoot = (unit: string): Promise<void> =>
  effect(`run systemctl disable ${unit}`, () => disableUnit(unit))

const disableUnit = async (unit: string): Promise<void> => {
  if (readInit() === 'sysv') {
    await run('update-rc.d', [unit, 'disable'], 'see whether its init script is there')
    return
  }
  await tryRun('systemctl', ['disable', unit])
  try {
    await rm(join(WANTS, `${unit}.service`), { force: true })
  } catch (error) {
    throw new HostError(`cannot disable ${unit}: ${errnoOf(error)}`, 'see systemctl status', { cause: error })
  }
  await run('systemctl', ['daemon-reload'], 'see systemctl status')
}

/** Keeps a unit from starting at boot and stops it. */
export const disable = async (unit: string): Promise<void> => {
  if (readInit() === 'systemd') await tryRun('systemctl', ['stop', unit], { purpose: `${unit} to stop` })
  await disableAtBoot(unit)
  if (readInit() === 'systemd') await tryRun('systemctl', ['reset-failed', unit])
}

export const readDaemonsOf = (service: Service): Promise<DaemonProcess[]> => readDaemons(service)

const STOP_TIMEOUT_MS = 15_000
/** When daemons are told by a signal: whose init script went with its package, none else would. */
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
  effect(`run systemctl stop ${service}`, () => stopAll(service))

const stopAll = async (service: Service): Promise<void> => {
  // One that is stopped, or hangs in opening a FIFO, takes no SIGTERM: systemd would wait for 90 s. It has nothing to lose.
  const running = await readDaemonsOf(service)
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
    // portsentry 1.2 ends with an error when it is told to.
    await tryRun('systemctl', ['reset-failed', `${service}@*.service`])
  }
  await waitingFor(`the processes of ${service} to end`, STOP_TIMEOUT_MS, () => expectNoneOf(service))
}

const expectNoneOf = async (service: Service): Promise<void> => {
  const deadline = performance.now() + STOP_TIMEOUT_MS
  const patience = performance.now() + SIGNAL_AFTER_MS
  let daemons = await readDaemonsOf(service)
  while (daemons.length > 0) {
    if (performance.now() > patience) signal(daemons, 'SIGTERM')
    if (performance.now() > deadline) {
      const pids = daemons.map(({ pid }) => pid).join(', ')
      throw new HostError(`${service} does not stop: processes ${pids} go on`, 'end them, then apply again')
    }
    await sleep(POLL_MS)
    daemons = await readDaemonsOf(service)
  }
}

const start = (unit: string): Promise<void> => effect(`run systemctl start ${unit}`, () => startUnit(unit))

const startUnit = async (unit: string): Promise<void> => {
  const purpose = `${unit} to start`
  if (readInit() === 'sysv') {
    await run('service', [unit, 'start'], `see what service ${unit} status says`, { purpose })
    return
  }
  // A unit that kept failing is not started again for a while, unless it is told to forget that.
  await tryRun('systemctl', ['reset-failed', unit])
  await run('systemctl', ['start', unit], `see what journalctl -u ${unit} says`, { purpose })
}

const reload = async (): Promise<void> => {
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
  await reload()
  for (const unit of units) await start(unit)
}

/** Has fail2ban read these files again. A reload that fails may cost it the jail: it is restarted then. */
export const rereadFail2ban = (paths: readonly string[]): Promise<void> =>
  reloadJail(paths).catch(() => restart({ service: 'fail2ban', units: ['fail2ban'] }))

const SERVICES: readonly Service[] = ['portsentry', 'fail2ban']

/** What runs and what starts at boot. */
export interface ServiceState {
  readonly enabled: ReadonlySet<string>
  /** Units by service; init scripts where systemd does not run. */
  readonly active: ReadonlyMap<Service, readonly string[]>
  readonly daemons: readonly DaemonIdentity[]
}

/** A number that the kernel gives anew some day, and when its process was started. */
type DaemonIdentity = Pick<DaemonProcess, 'pid' | 'startedMs'> & { readonly service: Service }

/** Readings of the same start differ by a little. */
const SAME_START_MS = 2000

const readActive = async (service: Service): Promise<string[]> => {
  if (readInit() === 'sysv') return (await readDaemonsOf(service)).length > 0 ? [service] : []
  const patterns = [`${service}.service`, `${service}@*.service`]
  // Without an answer nothing would seem to run, and nothing be started again after a rollback.
  const stdout = await run(
    'systemctl',
    ['list-units', '--plain', '--no-legend', '--state=active,activating,reloading', ...patterns],
    'see whether systemd answers: systemctl is-system-running',
  )
  return [...stdout.matchAll(/^(\S+)\.service /gm)].map(([, unit]) => unit ?? '')
}

export const readServiceState = async (): Promise<ServiceState> => {
  const active = SERVICES.map(async (service) => [service, await readActive(service)] as const)
  const daemons = SERVICES.map(async (service) =>
    (await readDaemonsOf(service)).map(({ pid, startedMs }) => ({ service, pid, startedMs })),
  )
  const state = [readEnabled(readInit()), Promise.all(active), Promise.all(daemons)] as const
  const [enabled, units, processes] = await Promise.all(state)
  return { enabled, active: new Map(units), daemons: processes.flat() }
}

/** Ends both services. Throws HostError. */
export const stopServices = async (): Promise<void> => {
  for (const service of SERVICES) await stopService(service)
}

/** Whether the very processes of then run on: what they have read since is known, and they need not be started anew. */
const runsOn = async (service: Service, { active, daemons }: ServiceState): Promise<boolean> => {
  const units = await readActive(service).catch(() => null)
  if (units?.join() !== active.get(service)?.join()) return false
  const now = await readDaemonsOf(service)
  const then = daemons.filter((daemon) => daemon.service === service)
  const isThere = ({ pid, startedMs }: DaemonIdentity) =>
    now.some((daemon) => daemon.pid === pid && Math.abs(daemon.startedMs - startedMs) < SAME_START_MS)
  return now.length === then.length && then.every(isThere)
}

/** Brings both services back to where they were, running what is on disk by now. Returns what failed. */
export const restoreServices = async (state: ServiceState): Promise<string[]> => {
  const failures: string[] = []
  const attempt = async (effect: Promise<void>): Promise<void> => {
    await effect.catch((error: unknown) => failures.push(messageOf(error)))
  }
  const enabled = await readEnabled(readInit())
  const others: Service[] = []
  for (const service of SERVICES) if (!(await runsOn(service, state))) others.push(service)
  for (const service of others) await attempt(stopService(service))
  for (const unit of enabled) if (!state.enabled.has(unit)) await attempt(disableAtBoot(unit))
  for (const unit of state.enabled) if (!enabled.has(unit)) await attempt(enable(unit))
  await attempt(reload())
  const unread = others.includes('fail2ban') ? [] : await findUnread()
  if (unread.length > 0) await attempt(rereadFail2ban(unread))
  const units = others.flatMap((service) => state.active.get(service) ?? [])
  for (const unit of units) await attempt(start(unit))
  return failures
}

import {
  disableAtBoot,
  enable,
  reloadFail2ban,
  reloadUnits,
  SERVICES,
  start,
  startTimer,
  stopService,
} from '../apply/services.ts'
import { readDaemons, type Service } from '../facts/daemons.ts'
import { readReloaded } from '../facts/fail2ban-reload.ts'
import { findEnabled, readInit, unitsQuery } from '../facts/systemd.ts'
import { BANS_UNIT } from '../policy/ban-set.ts'
import { LEGACY_UNITS } from '../policy/legacy-bans.ts'
import { TIMER_UNITS, TIMERS, timerPaths } from '../policy/timers.ts'
import { messageOf } from '../system/host-error.ts'
import { run } from '../system/process.ts'
import { ask } from '../system/query.ts'
import type { ServiceRecord } from './record.ts'

const readActive = async (service: Service): Promise<string[]> => {
  if (readInit() === 'sysv') return (await readDaemons(service)).length > 0 ? [service] : []
  const patterns = [`${service}.service`, `${service}@*.service`]
  // Fails without an answer: an empty list would mean that nothing runs, and a rollback would start nothing again.
  const stdout = await run(
    'systemctl',
    ['list-units', '--plain', '--no-legend', '--state=active,activating,reloading', ...patterns],
    'see whether systemd answers: systemctl is-system-running',
  )
  return [...stdout.matchAll(/^(\S+)\.service /gm)].map(([, unit]) => unit ?? '')
}

/** Units and init scripts of portsentry, fail2ban and portward that start at boot. */
const readEnabled = async (): Promise<Set<string>> => {
  const init = readInit()
  const units =
    init === 'systemd' ? await ask(unitsQuery([...SERVICES, BANS_UNIT, ...LEGACY_UNITS])) : new Map()
  return findEnabled(init, units, TIMER_UNITS)
}

/** What runs and what starts at boot. Throws HostError. */
export const readServices = async (): Promise<ServiceRecord> => {
  const active = SERVICES.map(async (service) => [service, await readActive(service)] as const)
  const daemons = SERVICES.map(async (service) =>
    (await readDaemons(service)).map(({ pid, startedMs }) => ({ service, pid, startedMs })),
  )
  const state = [readEnabled(), Promise.all(active), Promise.all(daemons)] as const
  const [enabled, units, processes] = await Promise.all(state)
  return { enabled: [...enabled], active: units, daemons: processes.flat() }
}

export const activeUnits = ({ active }: ServiceRecord, service: Service): readonly string[] =>
  new Map(active).get(service) ?? []

/** Two readings of the same start time may differ by this much. */
const SAME_START_MS = 2000

/** Whether the same processes as in the record still run, so that they need not be restarted. */
const runsOn = async (service: Service, record: ServiceRecord): Promise<boolean> => {
  const units = await readActive(service).catch(() => null)
  if (units?.join() !== activeUnits(record, service).join()) return false
  const now = await readDaemons(service)
  const then = record.daemons.filter((daemon) => daemon.service === service)
  const isThere = ({ pid, startedMs }: ServiceRecord['daemons'][number]) =>
    now.some((daemon) => daemon.pid === pid && Math.abs(daemon.startedMs - startedMs) < SAME_START_MS)
  return now.length === then.length && then.every(isThere)
}

/**
 * Starts, stops, enables and disables units with the files now on disk, so that the same run and start at boot as in the
 * record, which was made at `since` (ms since 1970). `restored`: the paths of the files. Returns what failed.
 */
export const restoreServices = async (
  record: ServiceRecord,
  since: number,
  restored: readonly string[],
): Promise<string[]> => {
  const failures: string[] = []
  const attempt = async (work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => failures.push(messageOf(error)))
  }
  const enabled = await readEnabled()
  // Records of earlier versions have some names with their suffix.
  const wanted = record.enabled.map((unit) => unit.replace(/\.service$/, ''))
  const others: Service[] = []
  for (const service of SERVICES) if (!(await runsOn(service, record))) others.push(service)
  for (const service of others) await attempt(stopService(service))
  for (const unit of enabled) if (!wanted.includes(unit)) await attempt(disableAtBoot(unit))
  for (const unit of wanted) if (!enabled.has(unit)) await attempt(enable(unit))
  await attempt(reloadUnits())
  // The time of the others runs on: a refresh that fails must not come again after a minute instead of five.
  for (const timer of TIMERS) {
    const unit = `${timer.unit}.timer`
    const isRestored = timerPaths(timer).some((path) => restored.includes(path))
    if (wanted.includes(unit) && (isRestored || !enabled.has(unit))) await attempt(startTimer(unit))
  }
  // A fail2ban that was not restarted may have read files that are restored now.
  if (!others.includes('fail2ban') && (await readReloaded()) >= since) await attempt(reloadFail2ban())
  for (const unit of others.flatMap((service) => activeUnits(record, service))) await attempt(start([unit]))
  return failures
}

import type { Fail2banAnswers } from '../facts/fail2ban-config.ts'
import { serviceOf } from '../facts/systemd.ts'
import { counted, shortList } from '../phrases.ts'
import { missingFromDump } from '../plan/dump.ts'
import { bootUnits, wantedUnits } from '../plan/services.ts'
import { BAN_ACTION, BAN_SET_FILES } from '../policy/ban-set.ts'
import { describeDaemons, judgeWatching, runningArguments, wrongDaemons } from '../policy/daemons.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { isJailWanted, JAIL_PATH } from '../policy/jail.ts'
import { noticeFault } from '../policy/notifications.ts'
import { STALE_METRICS_MS } from '../policy/timers.ts'
import { formatDuration } from '../time.ts'
import { type Check, checkFor } from './check.ts'
import { overriding } from './configuration-checks.ts'

const checkDaemons = (desired: Desired, live: LiveFacts): Check => {
  const check = checkFor('daemons')
  const wrong = wrongDaemons(desired, live.daemons)
  return wrong === null
    ? check.pass(describeDaemons(runningArguments(live.daemons)))
    : check.fail(`portsentry ${wrong}`, 'portward apply')
}

/** A running process may be stopped, or hang. Its sockets are checked, since a test packet would get its sender banned. */
const checkWatching = ({ daemons }: LiveFacts): Check => {
  const check = checkFor('watching')
  const { found, deaf, unknown, missing } = judgeWatching(daemons)
  if (found.length === 0) return check.skip('not checked: it is not running')
  if (deaf !== null)
    return check.fail(deaf, 'portward apply restarts it; if it hangs again, see journalctl -t portsentry')
  if (unknown !== null) return check.skip(`not checked: ${unknown}`)
  return missing.length > 0
    ? check.warn(
        `it has no packet socket on ${shortList(missing)}: a scan that comes in there is not noticed`,
        'systemctl restart portsentry',
      )
    : check.pass(found.map(({ name, details }) => `${name}: ${details}`).join('; '))
}

const checkBoot = (desired: Desired, live: LiveFacts): Check => {
  const check = checkFor('boot')
  const units = [...wantedUnits(desired, live), 'fail2ban', ...bootUnits(desired, live)]
  const missing = units.filter((unit) => !live.enabled.has(unit))
  return missing.length === 0
    ? check.pass(shortList(units))
    : check.fail(`not started at boot: ${shortList(missing)}`, 'portward apply')
}

export const TIMERS = 'timers'

/** Nothing where config.env asks for no timer. */
const checkTimers = (desired: Desired, { enabled, timers: { active, failed } }: LiveFacts): Check[] => {
  const timers = [...desired.timers.keys()]
  if (timers.length === 0) return []
  const check = checkFor(TIMERS)
  const down = timers.filter((timer) => !enabled.has(timer) || !active.has(timer))
  if (down.length > 0)
    return [check.fail(`not running, or not at boot: ${shortList(down)}`, 'portward apply')]
  const services = timers.filter((timer) => failed.has(timer)).map(serviceOf)
  return services.length > 0
    ? [check.fail(`the last run failed: ${shortList(services)}`, `journalctl -u ${services.join(' -u ')}`)]
    : [check.pass(shortList(timers))]
}

/** The code of a check that does not fail an apply: what is stale was so before, and has nothing to do with bans. */
export const METRICS = 'metrics'

/** Whether monitoring has true numbers. Nothing where config.env asks for none. */
const checkMetrics = ({ metrics }: Desired, { metricsFile, asRoot }: LiveFacts, nowMs: number): Check[] => {
  if (metrics === undefined) return []
  const check = checkFor(METRICS)
  if (metricsFile?.hasDirectory !== true)
    return [
      check.fail(`${metrics}: its directory does not exist`, 'install prometheus-node-exporter, or make it'),
    ]
  const { modifiedMs } = metricsFile
  if (modifiedMs === null)
    return [
      asRoot
        ? check.fail(`${metrics} does not exist`, 'portward apply, or systemctl start portward-metrics')
        : check.skip(`${metrics}: only root can check this`),
    ]
  const age = `${metrics} was written ${formatDuration(Math.max(0, nowMs - modifiedMs))} ago`
  return [
    nowMs - modifiedMs > STALE_METRICS_MS
      ? check.fail(age, 'see journalctl -u portward-metrics')
      : check.pass(age),
  ]
}

/** In the lab fail2ban loads the rules again, so this checks whether they are in force on the live server. */
const checkBanSet = ({ banSet, ownedFiles }: Desired, facts: Facts, live: LiveFacts): Check => {
  const check = checkFor('ban-set')
  if (banSet === null) return check.pass('not needed: portward does not ban here')
  const other = BAN_SET_FILES.filter(
    (path) => (fileText(facts, path) ?? null) !== (ownedFiles.get(path) ?? null),
  )
  if (other.length > 0) return check.fail(`${shortList(other)}: not as portward wrote it`, 'portward apply')
  if (live.hasBanSet === null) return check.skip('only root can check this')
  return live.hasBanSet
    ? check.pass(`${banSet.backend}, ${banSet.target}`)
    : check.fail(
        'its rules are not in force, or the unit that loads them is not running',
        'portward apply, or systemctl restart portward-bans',
      )
}

/** Between fail2ban's ban and the kernel's, and between their ends, a moment passes. */
const MOMENT_MS = 15_000

/** A ban by fail2ban alone keeps nobody out, whether it was made for a scan, by hand, or by a list of another server. */
const checkBansInForce = ({ banSet, jails }: Desired, live: LiveFacts, nowMs: number): Check => {
  const check = checkFor('bans-in-force')
  if (banSet === null) return check.pass('not needed: portward does not ban here')
  const banaction = jails.get('portsentry')?.get('banaction')
  if (banaction !== BAN_ACTION) return check.pass(`not needed: fail2ban bans with ${banaction}`)
  if (live.jailed === null || live.bans === null) return check.skip('not checked: fail2ban was not asked')
  if (live.bansUnread !== null) return check.skip(`not checked: ${live.bansUnread}`)
  const inKernel = new Set(live.bans.map(({ address }) => address))
  const settled = live.jailed.filter(
    ({ sinceMs, untilMs }) =>
      sinceMs < nowMs - MOMENT_MS && (untilMs === null || untilMs > nowMs + MOMENT_MS),
  )
  const missing = settled.filter(({ address }) => !inKernel.has(address)).map(({ address }) => address)
  return missing.length === 0
    ? check.pass(counted(settled.length, 'ban'))
    : check.warn(
        `fail2ban has banned ${shortList(missing)}, but the kernel lets ${missing.length === 1 ? 'it' : 'them'} in`,
        'systemctl restart portward-bans',
      )
}

const checkJail = (desired: Desired, live: LiveFacts, { logpath }: Fail2banAnswers): Check => {
  const check = checkFor('jail')
  const { historyPath } = desired
  if (!live.asRoot) return check.skip('only root can ask fail2ban')
  if (live.jails === null)
    return check.fail(
      'fail2ban is not running, or does not answer',
      'fail2ban-client -t; journalctl -u fail2ban',
    )
  const isLoaded = live.jails.includes('portsentry')
  if (!isJailWanted(desired))
    return isLoaded
      ? check.fail('it is loaded, although config.env turns it off', 'portward apply')
      : check.pass('it is not loaded, as config.env asks')
  if (!isLoaded)
    return check.fail(
      `it is not loaded; loaded jails: ${shortList(live.jails) || 'none'}`,
      `see ${JAIL_PATH} and the files that are read after it`,
    )
  return logpath?.includes(historyPath)
    ? check.pass(`on ${historyPath}`)
    : check.fail(
        `the jail does not read ${historyPath}, but ${logpath?.trim() ?? 'nothing'}`,
        `see logpath and backend in ${JAIL_PATH}`,
      )
}

const checkDump = (desired: Desired, facts: Facts, { dump }: Fail2banAnswers): Check => {
  const check = checkFor('effective')
  if ('failure' in dump) return check.fail(`fail2ban-client -d: ${dump.failure}`, 'fail2ban-client -t')
  const missing = missingFromDump(dump.lines, desired.jails)
  if (missing.length === 0) return check.pass('every option')
  const sources = [...new Set(overriding(desired, facts).map(({ source }) => source))]
  return check.fail(
    `it lacks ${shortList(missing, 2)}${sources.length > 0 ? `; decided by ${shortList(sources)}` : ''}`,
    'see the named file, or portward plan',
  )
}

/** No message is sent: whether one would arrive is not known. */
const checkNotices = ({ notices }: Desired, live: LiveFacts, { actions }: Fail2banAnswers): Check[] => {
  if (notices.length === 0) return []
  const check = checkFor('notices')
  const [fault] = notices.flatMap((notice) => noticeFault(notice, live) ?? [])
  if (fault !== undefined) return [check.warn(fault.message, fault.hint)]
  if (!live.asRoot) return [check.skip('only root can ask fail2ban')]
  if (actions === null) return [check.skip('not checked: fail2ban does not answer')]
  const loaded = new Set(actions.split('\n'))
  const missing = notices.filter(({ name }) => !loaded.has(name)).map(({ name }) => name)
  const names = notices.map(({ name }) => name)
  return [
    missing.length > 0
      ? check.warn(`the running fail2ban does not have ${shortList(missing)}`, 'systemctl restart fail2ban')
      : check.pass(`fail2ban has loaded ${shortList(names)}; whether messages arrive was not checked`),
  ]
}

const checkFilter = (desired: Desired, { filter }: Fail2banAnswers): Check => {
  const { release } = desired
  const check = checkFor('filter')
  if (!isJailWanted(desired)) return check.pass('not needed: the jail is off')
  if (filter === null) return check.skip('fail2ban-regex could not be run')
  return filter.matched
    ? check.pass(`filter ${release.filter}`)
    : check.fail(
        `filter ${release.filter} does not match a line of ${release.title}: ${filter.message}`,
        `see /etc/fail2ban/filter.d/${release.filter}.conf and .local`,
      )
}

/** The checks of the running daemons. Pure. */
export const checkRunning = (
  desired: Desired,
  facts: Facts,
  live: LiveFacts,
  answers: Fail2banAnswers,
  nowMs: number,
): Check[] => [
  checkDaemons(desired, live),
  checkWatching(live),
  checkBoot(desired, live),
  ...checkTimers(desired, live),
  ...checkMetrics(desired, live, nowMs),
  checkBanSet(desired, facts, live),
  checkBansInForce(desired, live, nowMs),
  checkJail(desired, live, answers),
  checkDump(desired, facts, answers),
  checkFilter(desired, answers),
  ...checkNotices(desired, live, answers),
]

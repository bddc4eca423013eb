import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Facts } from './facts.ts'
import { isNotTime, isTrue, logPatterns, namesIn } from './fail2ban-values.ts'
import { isFail2ban } from './fail2ban-version.ts'
import {
  allJails,
  type Effective,
  effective,
  enabledJails,
  type Fail2banView,
  viewFail2ban,
} from './fail2ban-view.ts'
import { ignoreFileFaults } from './ignore-files.ts'
import { FAIL2BAN_DIRECTORY, fail2banFiles, JAIL_FILE } from './jail.ts'

/**
 * What keeps fail2ban from starting, or a jail from being loaded, in any file. Each kind was tried on fail2ban 1.0.2, 1.1.0
 * and 1.1.1. What they accept, and what only fail2ban can judge, is not reported.
 */

/** Options that fail2ban reads for every jail, even if it is disabled. */
const READ_FIRST = ['enabled', 'backend', 'filter']

/** Those that it reads for an enabled jail (client/jailreader.py and filterreader.py). */
export const JAIL_OPTIONS: readonly string[] = [
  ...READ_FIRST,
  ...['action', 'logpath', 'logencoding', 'logtimezone', 'maxretry', 'maxmatches', 'findtime', 'bantime'],
  ...['bantime.increment', 'bantime.factor', 'bantime.formula', 'bantime.multipliers', 'bantime.maxtime'],
  ...['bantime.rndtime', 'bantime.overalljails', 'ignorecommand', 'ignoreself', 'ignoreip', 'ignorecache'],
  ...['skip_if_nologs', 'systemd_if_nologs', 'usedns', 'prefregex', 'failregex', 'ignoreregex', 'maxlines'],
  ...['datepattern', 'journalmatch'],
]

const SERVER_OPTIONS = ['loglevel', 'logtarget', 'syslogsocket', 'socket', 'pidfile', 'dbfile', 'dbpurgeage']

/** Those that are times; the second value says whether an empty one is refused, too. */
const TIMES: ReadonlyMap<string, boolean> = new Map([
  ['bantime', true],
  ['findtime', true],
  ['bantime.maxtime', false],
  ['bantime.rndtime', false],
  ['dbpurgeage', true],
])

const BACKENDS = ['auto', 'pyinotify', 'gamin', 'polling', 'systemd']

const DOES_NOT_START = 'fail2ban does not start because of this'

const problemAt = (
  severity: Problem['severity'],
  code: ProblemCode,
  { path, line }: { path: string; line: number },
  message: string,
  hint: string,
): Problem => ({ severity, code, message, hint, at: { path: `${FAIL2BAN_DIRECTORY}/${path}`, line } })

/** Since 1.1.1 a file that is not UTF-8 is fatal, and a jail may be configured to start without its log. */
const isNewer = (facts: Facts): boolean | null => isFail2ban(facts, 1, 1, 1)

const fileFaults = (view: Fail2banView, facts: Facts): Problem[] =>
  view.faults.map(({ path, line, kind, message }) =>
    kind === 'not-utf8' && isNewer(facts) !== true
      ? problemAt(
          ...(['warning', 'fail2ban-file-skipped', { path, line }] as const),
          `is not UTF-8 here: fail2ban ${isNewer(facts) === null ? 'before 1.1.1 ' : ''}ignores the whole file`,
          'save the file as UTF-8',
        )
      : problemAt(
          ...(['error', 'fail2ban-fault', { path, line }] as const),
          `${DOES_NOT_START}: ${message}`,
          'correct the line',
        ),
  )

const readValues = (view: Fail2banView, jail: string, options: readonly string[]): [string, Effective][] =>
  options.flatMap((option): [string, Effective][] => {
    const value = effective(view, jail, option)
    return value === undefined ? [] : [[option, value]]
  })

const valueFault = (option: string, { value }: Effective): { message: string; hint: string } | null => {
  const refusesEmpty = TIMES.get(option)
  if (refusesEmpty !== undefined && (value !== '' || refusesEmpty) && isNotTime(value)) {
    return {
      message: `${option} = ${value} is not a time`,
      hint: 'write seconds, or a time such as 10m, 12h or 1d',
    }
  }
  if (option === 'maxretry' && !/^\s*[-+]?\d+(?:_\d+)*\s*$/.test(value)) {
    return { message: `maxretry = ${value} is not a number`, hint: 'write a number' }
  }
  if (option === 'logtimezone' && value.includes('/')) {
    return { message: `logtimezone = ${value} is unknown to it`, hint: 'write an offset, such as UTC+0100' }
  }
  if (option === 'backend' && !BACKENDS.includes(value.replace(/\[.*/s, '').trim().toLowerCase())) {
    return { message: `backend = ${value} is unknown to it`, hint: 'use auto, polling, pyinotify or systemd' }
  }
  return null
}

const valueFaults = (values: readonly (readonly [string, Effective])[], isUsed: boolean): Problem[] =>
  values.flatMap(([option, value]) => {
    if (value.fault !== null) {
      const message = `${DOES_NOT_START}: ${option} cannot be resolved: ${value.fault}`
      return [problemAt('error', 'fail2ban-fault', value, message, 'correct the value')]
    }
    const found = isUsed && value.resolved ? valueFault(option, value) : null
    return found === null
      ? []
      : [problemAt('error', 'fail2ban-fault', value, `${DOES_NOT_START}: ${found.message}`, found.hint)]
  })

const isStock = (path: string): boolean => path === 'jail.conf' || /^paths-[\w-]+\.conf$/.test(path)

/** An enabled jail without any log: only fail2ban 1.1.1 has options to start without the jail, or without the log. */
const logFault = (view: Fail2banView, jail: string, facts: Facts): Problem[] => {
  const value = (option: string) => effective(view, jail, option)?.value.trim() ?? ''
  const logpath = effective(view, jail, 'logpath')
  const enabled = effective(view, jail, 'enabled')
  if (!logpath?.resolved || enabled === undefined || value('backend').startsWith('systemd')) return []
  const patterns = logPatterns(logpath.value)
  if (patterns.some((pattern) => !facts.missingLogs.has(pattern))) return []
  const goesOn =
    isTrue(value('skip_if_nologs')) || (/^(?:auto|)$/.test(value('backend')) && value('journalmatch') !== '')
  if (goesOn && isNewer(facts) !== false) return []
  // The line that the admin wrote: the log's, or the one that enables the jail.
  const origin = isStock(logpath.path) ? enabled : logpath
  const missing = patterns.length === 0 ? 'its logpath is empty' : `no file matches ${patterns.join(' or ')}`
  return [
    problemAt(
      ...(['error', 'fail2ban-no-log', origin] as const),
      `${DOES_NOT_START}: jail ${jail} has no log to read: ${missing}`,
      'create the log, disable the jail, or set backend = systemd where the service logs to the journal',
    ),
  ]
}

/** A filter or an action that does not exist: fail2ban starts without the jail. A missing action in Python is fatal. */
const nameFaults = (view: Fail2banView, jail: string, facts: Facts): Problem[] => {
  const check = (option: 'filter' | 'action', known: ReadonlySet<string>): Problem[] => {
    const found = effective(view, jail, option)
    if (!found?.resolved || known.size === 0) return []
    const unknown = namesIn(found.value).filter(
      (name) => /^[\w.-]+$/.test(name) && !known.has(name.replace(/\.py$/, '')),
    )
    return unknown.map((name) => {
      const isFatal = option === 'action' && name.endsWith('.py')
      return problemAt(
        isFatal ? 'error' : 'warning',
        isFatal ? 'fail2ban-fault' : 'fail2ban-jail-skipped',
        found,
        isFatal
          ? `${DOES_NOT_START}: jail ${jail} has the action ${name}, which does not exist`
          : `fail2ban does not load jail ${jail}: there is no ${option} ${name}`,
        `name one that is in ${FAIL2BAN_DIRECTORY}/${option}.d, or disable the jail`,
      )
    })
  }
  return [...check('filter', facts.filters), ...check('action', facts.actions)]
}

/** Without duplicates: a problem in [DEFAULT] is found in every jail. */
const once = (problems: readonly Problem[]): Problem[] => {
  const seen = new Map(
    problems.map((problem) => [JSON.stringify([problem.at, problem.code, problem.message]), problem]),
  )
  return [...seen.values()]
}

/** What is wrong with fail2ban's files as they will be after the plan. Pure. */
export const fail2banFaults = (facts: Facts): Problem[] => {
  const files = fail2banFiles(facts)
  const jails = viewFail2ban(files)
  const server = viewFail2ban(files, 'fail2ban')
  const enabled = enabledJails(jails)
  // The plan fixes the jail file itself, or reports its faults.
  const others = enabled.filter((jail) => jail !== 'portsentry')
  return once([
    ...fileFaults({ ...jails, faults: jails.faults.filter(({ path }) => path !== JAIL_FILE) }, facts),
    ...fileFaults(server, facts),
    ...valueFaults(readValues(server, 'Definition', SERVER_OPTIONS), true),
    ...allJails(jails).flatMap((jail) =>
      valueFaults(
        readValues(jails, jail, enabled.includes(jail) ? JAIL_OPTIONS : READ_FIRST),
        enabled.includes(jail),
      ),
    ),
    ...ignoreFileFaults(jails, others, facts),
    ...others.flatMap((jail) => [...logFault(jails, jail, facts), ...nameFaults(jails, jail, facts)]),
  ])
}

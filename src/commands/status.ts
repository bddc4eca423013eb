import { join } from 'node:path'
import { assess } from '../assessment/assess.ts'
import { judgeConf } from '../detector/judge-conf.ts'
import { parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { readVariables } from '../documents/shell-assignments.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeWrappers } from '../plan/render.ts'
import { wantedUnits } from '../plan/services.ts'
import { describePending, pendingAsJson } from '../policy/confirmation.ts'
import { judgeWatching, runningArguments } from '../policy/daemons.ts'
import { type Facts, fileText, type LiveFacts } from '../policy/facts.ts'
import { daemonModes, type Modes, modesOf, type Release } from '../policy/release.ts'
import { caveatsOf, isError, renderProblem } from '../problem.ts'
import { readFileState } from '../system/files.ts'
import { EXIT, exitOver, type GlobalOptions, openOutput, problemAsJson } from './output.ts'
import { banStatusAsJson, readBanStatus, renderBanStatus } from './status-bans.ts'

interface ServiceStatus {
  readonly name: string
  readonly installed: string | null
  /** Null in a tree. */
  readonly running: boolean | null
  /** Whether a running portsentry can notice a scan, and why not; null if that was not checked. */
  readonly watching: boolean | null
  readonly watchingDetail: string | null
  readonly atBoot: boolean | null
  /** Why portsentry would not start with its portsentry.conf; null if no reason is known. */
  readonly fault: string | null
  /** The arguments of portsentry's daemons, fail2ban's jails; null if unknown. */
  readonly detail: readonly string[] | null
}

/** One daemon that does not watch decides; else one that could not be checked. */
const describeWatching = (live: LiveFacts | null): Pick<ServiceStatus, 'watching' | 'watchingDetail'> => {
  const { found, deaf, unknown, missing } = judgeWatching(live?.daemons ?? [])
  if (deaf !== null) return { watching: false, watchingDetail: deaf }
  if (unknown !== null) return { watching: null, watchingDetail: unknown }
  if (missing.length > 0) {
    return { watching: true, watchingDetail: `it has no packet socket on ${missing.join(', ')}` }
  }
  return { watching: found.length > 0 ? true : null, watchingDetail: null }
}

/** Why portsentry would not start with the present portsentry.conf; null if no reason is known. */
const findFault = (facts: Facts, release: Release, modes: Modes): string | null => {
  const { confPath, dialect } = release
  const text = fileText(facts, confPath)
  if (text === undefined || facts.predicted.has(confPath)) return null
  const conf = parsePortsentryConf(text, dialect)
  const error = judgeConf(conf, daemonModes(release, modes), join(facts.root, confPath)).find(isError)
  return error === undefined ? null : renderProblem(error)
}

const describeServices = (facts: Facts, release: Release, modes: Modes): ServiceStatus[] => {
  const { live, packages } = facts
  const running = live === null ? [] : runningArguments(live.daemons)
  const isEnabled = (units: readonly string[]) =>
    live === null ? null : units.every((unit) => live.enabled.has(unit))
  return [
    {
      name: 'portsentry',
      installed: packages.get('portsentry') ?? null,
      running: live && running.length > 0,
      ...describeWatching(live),
      atBoot: live && isEnabled(wantedUnits({ release, modes }, live)),
      fault: findFault(facts, release, modes),
      detail: live && running,
    },
    {
      name: 'fail2ban',
      installed: packages.get('fail2ban') ?? null,
      running: live?.daemons.some(({ service }) => service === 'fail2ban') ?? null,
      watching: null,
      watchingDetail: null,
      atBoot: isEnabled(['fail2ban']),
      fault: null,
      detail: live?.jails ?? null,
    },
  ]
}

/** The distribution's name, for display only: no decision depends on it. */
const readSystemName = async (root: string): Promise<string> => {
  const text = (await readFileState(root, '/etc/os-release').catch(() => null))?.text ?? ''
  return readVariables(text).get('PRETTY_NAME') ?? 'unknown system'
}

const describeDrift = (plan: Plan | null, caveats: readonly string[]): string => {
  if (plan === null) return 'unknown, since no plan can be made'
  if (isInSync(plan)) return ['none', ...caveats].join(', but ')
  if (plan.inexact.length > 0) return `unknown, since the plan is not exact: ${plan.inexact.join('; ')}`
  const paths = plan.steps.flatMap((step) => (step.kind === 'write' ? [step.path] : []))
  return `${plan.steps.length} steps pending${paths.length > 0 ? ` (${paths.join(', ')})` : ''}`
}

/** For a tree without dpkg's status, and so without the server's programs. */
const NOT_IN_COPY = 'unknown: the tree is a copy of /etc, without dpkg status and programs'

/** A ban in hosts.deny affects sshd only if it is linked with libwrap. */
const describeSshd = ({ packages, wrapped }: Facts): string => {
  if (wrapped === null) return NOT_IN_COPY
  if (wrapped.includes('sshd')) return 'honours hosts.deny'
  return packages.has('openssh-server')
    ? 'does NOT use hosts.deny'
    : 'unknown: openssh-server is not installed'
}

const describeRunning = ({ running, watching, watchingDetail }: ServiceStatus): string => {
  if (running === null) return 'not checked in a tree'
  if (!running) return 'NOT RUNNING'
  if (watchingDetail === null) return 'running'
  if (watching === null) return `running (whether it watches was not checked: ${watchingDetail})`
  return watching ? `running, but ${watchingDetail}` : `RUNNING, BUT ${watchingDetail}`
}

/** The jails of a running fail2ban. One that is starting or hanging does not answer. */
export const describeJails = (jails: readonly string[] | null, asRoot: boolean): string => {
  if (jails === null) return asRoot ? 'DOES NOT ANSWER' : 'jails unknown: only root can ask fail2ban'
  return jails.length === 0 ? 'no jail loaded' : jails.join(', ')
}

const describeDetail = ({ name, running, detail }: ServiceStatus, asRoot: boolean): string[] => {
  if (running !== true) return []
  if (name === 'fail2ban') return [describeJails(detail, asRoot)]
  return detail?.some((word) => word !== '') ? [detail.join(', ')] : []
}

const describeService = (service: ServiceStatus, isCopy: boolean, asRoot: boolean): string => {
  const { name, installed, running, atBoot, fault } = service
  if (installed === null && !isCopy) return `${name.padEnd(12)}not installed`
  const parts = [
    describeRunning(service),
    ...describeDetail(service, asRoot),
    ...(fault === null ? [] : [`WOULD NOT START${running === true ? ' AGAIN' : ''}: ${fault}`]),
    ...(atBoot === false ? ['NOT started at boot'] : []),
    isCopy ? `version ${NOT_IN_COPY}` : `version ${installed}`,
  ]
  return `${name.padEnd(12)}${parts.join('; ')}`
}

/** `portward status`: what runs, in which modes, and whether anything has drifted from config.env. */
export const statusCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options)
  const { root, settings, facts, release, plan, pending, problems } = assessment
  output.problems(problems)
  if (settings === null || release === null) {
    output.document('status', { problems: problems.map(problemAsJson) })
    return exitOver(assessment)
  }
  const [system, bans] = await Promise.all([readSystemName(root), readBanStatus(assessment)])
  const services = describeServices(facts, release, settings)
  const drift = describeDrift(plan, caveatsOf(problems))
  const isCopy = facts.inferredRelease !== undefined
  const lines = [
    ...(pending === null
      ? []
      : [`${'unconfirmed'.padEnd(12)}${describePending(pending)}: portward confirm keeps it`]),
    `${'system'.padEnd(12)}${system}; ${release.title}`,
    ...services.map((service) => describeService(service, isCopy, facts.live?.asRoot === true)),
    `${'modes'.padEnd(12)}${modesOf(settings).join(', ')} wanted`,
    `${'wrappers'.padEnd(12)}${describeWrappers(facts)}`,
    `${'sshd'.padEnd(12)}${describeSshd(facts)}`,
    `${'drift'.padEnd(12)}${drift}`,
    ...renderBanStatus(bans).map(([topic, text]) => `${topic.padEnd(12)}${text}`),
  ]
  output.result(`${lines.join('\n')}\n`)
  // In a tree the stores that need a running system are never read.
  if (root === '/') for (const note of bans.notes) output.note(note)
  output.document('status', {
    root,
    system,
    release: release.name,
    services,
    wantedModes: modesOf(settings),
    wrappers: facts.wrapped,
    sshdAsksHostsDeny: facts.wrapped?.includes('sshd') ?? null,
    bans: banStatusAsJson(bans),
    confirmation: pendingAsJson(pending),
    inSync: plan !== null && isInSync(plan),
    drift,
    problems: problems.map(problemAsJson),
  })
  return plan === null ? exitOver(assessment) : EXIT.ok
}

import { parse as parseIni } from 'ini'
import { readFileState } from '../host/files.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeWrappers } from '../plan/render.ts'
import { deafDaemons, runningArguments, wantedUnits } from '../plan/services.ts'
import { serviceOf } from '../policy/daemons.ts'
import type { Facts, LiveFacts } from '../policy/facts.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import { type Modes, modesOf, type Release } from '../policy/release.ts'
import { load } from './load.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'
import { banStatusAsJson, readBanStatus, renderBanStatus } from './status-bans.ts'

interface ServiceStatus {
  readonly name: string
  readonly installed: string | null
  /** Null where no system runs. */
  readonly running: boolean | null
  /** Whether a portsentry that runs can notice a scan, with the reason; null where that was not looked at. */
  readonly watching: boolean | null
  readonly watchingDetail: string | null
  readonly atBoot: boolean | null
  /** The arguments of portsentry's daemons, fail2ban's jails; null where they could not be asked. */
  readonly detail: readonly string[] | null
}

/** One daemon that is deaf counts; so does one that could not be looked at. */
const describeWatching = (live: LiveFacts | null): Pick<ServiceStatus, 'watching' | 'watchingDetail'> => {
  const daemons = live?.daemons.filter((daemon) => serviceOf(daemon) === 'portsentry') ?? []
  const deaf = deafDaemons(daemons)
  if (deaf !== null) return { watching: false, watchingDetail: deaf }
  const found = daemons.map(({ args, liveness }) => judgeLiveness(args, liveness))
  const unknown = found.find(({ watches }) => watches === null)
  if (unknown !== undefined) return { watching: null, watchingDetail: unknown.details }
  return { watching: daemons.length > 0 ? true : null, watchingDetail: null }
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
      detail: running,
    },
    {
      name: 'fail2ban',
      installed: packages.get('fail2ban') ?? null,
      running: live?.daemons.some((process) => serviceOf(process) === 'fail2ban') ?? null,
      watching: null,
      watchingDetail: null,
      atBoot: isEnabled(['fail2ban']),
      detail: live?.jails ?? null,
    },
  ]
}

/** The distribution's own name for itself: to be shown, never decided by. */
const readSystemName = async (root: string): Promise<string> => {
  const text = (await readFileState(root, '/etc/os-release').catch(() => null))?.text ?? ''
  return String(parseIni(text)['PRETTY_NAME'] ?? 'unknown system')
}

const describeDrift = (plan: Plan | null): string => {
  if (plan === null) return 'unknown, since no plan can be made'
  if (isInSync(plan)) return 'none'
  const paths = plan.steps.flatMap((step) => (step.kind === 'write' ? [step.path] : []))
  return `${plan.steps.length} steps pending${paths.length > 0 ? ` (${paths.join(', ')})` : ''}`
}

/** A ban in hosts.deny means something to sshd only where it is linked with libwrap. */
const describeSshd = ({ packages, wrapped }: Facts): string => {
  if (wrapped.includes('sshd')) return 'honours hosts.deny'
  return packages.has('openssh-server') ? 'does NOT ask hosts.deny' : 'is not installed'
}

const describeRunning = ({ running, watching, watchingDetail }: ServiceStatus): string => {
  if (running === null) return 'not looked at in a tree'
  if (!running) return 'DOES NOT RUN'
  if (watchingDetail === null) return 'runs'
  return watching === false
    ? `RUNS, BUT ${watchingDetail}`
    : `runs (whether it watches was not checked: ${watchingDetail})`
}

const describeService = (service: ServiceStatus): string => {
  const { name, installed, atBoot, detail } = service
  if (installed === null) return `${name.padEnd(12)}not installed`
  const parts = [
    describeRunning(service),
    ...(detail?.some((word) => word !== '') ? [detail.join(', ')] : []),
    ...(atBoot === false ? ['NOT started at boot'] : []),
    `version ${installed}`,
  ]
  return `${name.padEnd(12)}${parts.join('; ')}`
}

/** `portward status`: what runs, in which modes, and whether anything has drifted from config.env. */
export const statusCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const { root, settings, facts, release, plan, problems, failure } = await load(options)
  output.problems(problems)
  if (settings === null || facts === null || release === null) {
    output.document('status', { problems: problems.map(problemAsJson) })
    return failure
  }
  const [system, bans] = await Promise.all([readSystemName(root), readBanStatus(root)])
  const services = describeServices(facts, release, settings)
  const drift = describeDrift(plan)
  const lines = [
    `${'system'.padEnd(12)}${system}; ${release.title}`,
    ...services.map(describeService),
    `${'modes'.padEnd(12)}${modesOf(settings).join(', ')} wanted`,
    `${'wrappers'.padEnd(12)}${describeWrappers(facts)}`,
    `${'sshd'.padEnd(12)}${describeSshd(facts)}`,
    `${'drift'.padEnd(12)}${drift}`,
    ...renderBanStatus(bans).map(([topic, text]) => `${topic.padEnd(12)}${text}`),
  ]
  output.result(`${lines.join('\n')}\n`)
  // That nothing runs in a tree needs no saying.
  if (root === '/') for (const remark of bans.remarks) output.note(remark)
  output.document('status', {
    root,
    system,
    release: release.name,
    services,
    wantedModes: modesOf(settings),
    wrappers: facts.wrapped,
    sshdAsksHostsDeny: facts.wrapped.includes('sshd'),
    bans: banStatusAsJson(bans),
    inSync: plan !== null && isInSync(plan),
    drift,
    problems: problems.map(problemAsJson),
  })
  return plan === null ? failure : EXIT.ok
}

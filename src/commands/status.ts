import { assess } from '../assessment/assess.ts'
import { readVariables } from '../documents/shell-assignments.ts'
import { readHealthRecord } from '../facts/name-health.ts'
import { renderSections, type Section } from '../layout.ts'
import { formatNetwork } from '../network.ts'
import { counted, shortList } from '../phrases.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeWrappers } from '../plan/render.ts'
import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { wrongDaemons } from '../policy/daemons.ts'
import type { Facts, LiveFacts } from '../policy/facts.ts'
import { NAME_VARIABLES } from '../policy/host-names.ts'
import { describeFollowed, type Followed, healthOf } from '../policy/name-health.ts'
import { daemonModes, type Modes, modesOf, type Release } from '../policy/release.ts'
import { caveatsOf, type Problem } from '../problem.ts'
import { styled } from '../styled.ts'
import { readFileState } from '../system/files.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'
import { readLastVerify } from '../verify/last-verify.ts'
import { type Health, judgeHealth, lookAt, renderHealth } from './health.ts'
import { describeLastVerify, lastVerifyAsJson } from './last-verify-text.ts'
import { EXIT, exitOver, type GlobalOptions, openOutput, problemAsJson } from './output.ts'
import { judgeServices, type ServiceStatus } from './service-status.ts'
import { banStatusAsJson, describeBanStatus, readBanStatus } from './status-bans.ts'

export interface StatusOptions extends GlobalOptions {
  /** Only tell the health, by the exit code as well. */
  readonly check?: boolean
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
  const files = paths.length === 0 ? '' : ` (${shortList(paths)})`
  return `${counted(plan.steps.length, 'change')} pending${files}: see portward plan`
}

/** For a tree without dpkg's status, and so without the server's programs. */
const NOT_IN_COPY = 'unknown: the tree is a copy of /etc, without dpkg status and programs'

/** A ban in hosts.deny affects sshd only if it is linked with libwrap. */
const describeSshd = ({ packages, wrapped }: Facts): string => {
  if (wrapped === null) return NOT_IN_COPY
  if (wrapped.includes('sshd')) return 'honours hosts.deny'
  return packages.has('openssh-server') ? 'does NOT use hosts.deny' : 'not installed'
}

/** The modes that config.env asks for, and those in which this release's daemon runs for them. */
export const describeModes = (release: Release, modes: Modes, live: LiveFacts | null): string => {
  const [wanted, own] = [modesOf(modes).join(', '), daemonModes(release, modes).join(', ')]
  const named = own === wanted ? wanted : `${wanted} (${own} in portsentry 2.x)`
  return live !== null && wrongDaemons({ release, modes }, live.daemons) === null
    ? `${named}, as config.env asks`
    : `wanted: ${named}`
}

const describeRunning = ({ running, watching, watchingDetail }: ServiceStatus): string => {
  if (running === null) return 'not checked in a tree'
  if (!running) return styled('red', 'NOT RUNNING')
  if (watchingDetail === null) return styled('green', 'running')
  if (watching === null) return `running (whether it watches was not checked: ${watchingDetail})`
  return watching
    ? `running, but ${styled('yellow', watchingDetail)}`
    : styled('red', `RUNNING, BUT ${watchingDetail}`)
}

/** The jails of a running fail2ban. One that is starting or hanging does not answer. */
export const describeJails = (jails: readonly string[] | null, asRoot: boolean): string => {
  if (jails === null)
    return asRoot ? styled('red', 'DOES NOT ANSWER') : 'jails unknown: only root can ask fail2ban'
  return jails.length === 0 ? 'no jail loaded' : jails.join(', ')
}

const describeDetail = ({ name, running, detail }: ServiceStatus, asRoot: boolean): string[] => {
  if (running !== true) return []
  if (name === 'fail2ban') return [describeJails(detail, asRoot)]
  return detail?.some((word) => word !== '') ? [detail.join(', ')] : []
}

const describeService = (service: ServiceStatus, isCopy: boolean, asRoot: boolean): string => {
  const { installed, running, atBoot, fault } = service
  if (installed === null && !isCopy) return styled('red', 'not installed')
  const again = running === true ? ' AGAIN' : ''
  return [
    describeRunning(service),
    ...describeDetail(service, asRoot),
    ...(fault === null ? [] : [`${styled('red', `WOULD NOT START${again}:`)} ${fault}`]),
    ...(atBoot === false ? [styled('red', 'NOT started at boot')] : []),
    isCopy ? `version ${NOT_IN_COPY}` : `version ${installed}`,
  ].join('; ')
}

/** The hosts that are protected by name; nothing where there are none. */
const describeNames = (names: Followed | null): string[] => {
  if (names === null || names.lines.length === 0) return []
  const { lines, checked, isGood } = names
  return [...lines, checked].map((line) => (isGood ? line : styled('yellow', line)))
}

/** The exit code of --check. What could not be checked is not taken for healthy; a tree is its files, and these could be. */
const exitBy = ({ state }: Health, plan: Plan, isTree: boolean): number => {
  if (state === 'unprotected' || state === 'attention') return EXIT.pending
  return state === 'healthy' || (isTree && isInSync(plan)) ? EXIT.ok : EXIT.failed
}

/** `portward status`: what runs, in which modes, and whether anything has drifted from config.env. */
export const statusCommand = async (options: StatusOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options)
  const { root, settings, facts, release, desired, plan, pending, problems } = assessment
  output.problems(problems)
  if (settings === null || release === null) {
    output.document('status', { health: null, problems: problems.map(problemAsJson) })
    return exitOver(assessment)
  }
  const [system, bans, verified, found] = await Promise.all([
    readSystemName(root),
    readBanStatus(assessment),
    facts.live === null ? null : readLastVerify(),
    facts.live === null || desired?.named.record == null ? null : readHealthRecord(),
  ])
  const recorded = healthOf(found, facts)
  const names = desired && describeFollowed(desired.named, recorded, Date.now(), formatTimestamp)
  const services = judgeServices(facts, release, settings)
  const looked = lookAt(assessment, services, bans)
  const { isTree, asRoot } = looked
  const health = judgeHealth(looked)
  const isCopy = facts.inferredRelease !== undefined
  const drift = describeDrift(plan, caveatsOf(problems))
  const inSync = plan !== null && isInSync(plan)
  const describe = ({ message, hint }: Problem): string => styled('yellow', `${message}: ${hint}`)
  const unconfirmed = pending === null ? [] : [describe(pendingProblem(pending))]
  const sections: Section[] = [
    { topic: 'unconfirmed', lines: unconfirmed },
    { topic: 'system', lines: [`${system}; ${release.title}`] },
    ...services.map((service) => ({
      topic: service.name,
      lines: [describeService(service, isCopy, asRoot)],
    })),
    { topic: 'modes', lines: [describeModes(release, settings, facts.live)] },
    { topic: 'hosts.allow', lines: [describeWrappers(facts)] },
    { topic: 'sshd', lines: [describeSshd(facts)] },
    { topic: 'drift', lines: [inSync ? drift : styled('yellow', drift)] },
    { topic: 'verified', lines: verified === null ? [] : [describeLastVerify(verified)] },
    { topic: 'names', lines: describeNames(names) },
    ...describeBanStatus(bans),
  ]
  const checked = plan === null ? exitOver(assessment) : exitBy(health, plan, isTree)
  if (options.check !== true)
    output.text(`${renderHealth(health)}\n\n${renderSections(sections, output.screen.columns)}`)
  else if (options.quiet !== true || checked !== EXIT.ok) output.text(`${renderHealth(health)}\n`)
  // In a tree the stores that need a running system are never read.
  if (!isTree && options.check !== true) for (const note of bans.notes) output.note(note)
  output.document('status', {
    root,
    health,
    system,
    release: release.name,
    services,
    wantedModes: modesOf(settings),
    wrappers: facts.wrapped,
    sshdAsksHostsDeny: facts.wrapped?.includes('sshd') ?? null,
    bans: banStatusAsJson(bans),
    lastVerify: lastVerifyAsJson(verified?.last ?? null),
    names:
      desired?.named.hosts.map(({ kind, host, addresses, refused }) => ({
        ...{ host, variable: NAME_VARIABLES[kind], addresses: addresses.map(formatNetwork), refused },
        failingSince: isoTimestamp(recorded?.failingSince.get(host) ?? null),
      })) ?? [],
    confirmation: pendingAsJson(pending),
    inSync,
    drift,
    problems: problems.map(problemAsJson),
  })
  return options.check === true || plan === null ? checked : EXIT.ok
}

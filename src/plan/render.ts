import { formatCidr, formatNetwork } from '../network.ts'
import { type PendingConfirmation, pendingAsJson } from '../policy/confirmation.ts'
import { describeHost, NAME_VARIABLES } from '../policy/host-names.ts'
import { JAIL_PATH } from '../policy/jail.ts'
import { modesOf } from '../policy/release.ts'
import { styled, wrap } from '../styled.ts'
import { renderDiff } from './diff.ts'
import { renderFiles } from './file-list.ts'
import type { DiffChoice } from './formats/report.ts'
import { renderOverview } from './overview.ts'
import { isInSync, type Plan, type Step } from './plan.ts'
import { summarize } from './summary.ts'

/** The settings that would be made, for a plan without diff because the stock files are unavailable. */
const describeSettings = ({ desired }: Plan): string => {
  const { release, modes, conf, ignored } = desired
  const lines = [
    `modes: ${modesOf(modes).join(', ')}`,
    ...[...conf].map(
      ([key, value]) => `${release.confPath}: ${key}=${value === null ? '(none)' : `"${value}"`}`,
    ),
    `${release.ignorePath}: ${ignored.map(formatCidr).join(' ')}`,
    ...[...desired.jails].flatMap(([jail, options]) =>
      [...options].map(([option, value]) => `${JAIL_PATH}: [${jail}] ${option} = ${value}`),
    ),
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}

/** Which daemons here use hosts.allow and hosts.deny at all. */
export const describeWrappers = ({ wrapped }: Pick<Plan, 'wrapped'>): string => {
  if (wrapped === null) return 'a copy of /etc does not show which daemons use hosts.allow and hosts.deny'
  return wrapped.length === 0
    ? 'no daemon here is known to use hosts.allow and hosts.deny'
    : `hosts.allow and hosts.deny are used here by ${wrapped.join(', ')}`
}

/** Which daemons here read hosts.allow. It is written in any case: a daemon that is installed later may read it. */
const describeReaders = ({ wrapped }: Plan): string => {
  if (wrapped === null) return 'a copy of /etc does not show which daemons read it'
  return wrapped.length === 0
    ? 'no daemon here is known to read it; it is for those that come later'
    : `read here by ${wrapped.join(', ')}`
}

/** What is protected on a server without a LAN; '' if config.env names one. */
const describeProtection = ({ root, desired: { lan, whitelist, named } }: Plan): string => {
  if (lan !== null) return ''
  const variables = new Set([
    ...(whitelist.length > 0 ? [NAME_VARIABLES.whitelist] : []),
    ...named.hosts.map(({ kind }) => NAME_VARIABLES[kind]),
  ])
  const listed = [...variables].map((variable) => `, and ${variable}`).join('')
  const known = root === '/' ? '' : ' (if an apply on the server has recorded these)'
  return `LAN_IP and LAN_NM are not set: no LAN is protected, only the server's own addresses, its gateways and name servers${known}${listed}.\n`
}

/** The names in WHITELIST, with what they resolve to. */
const describeNames = ({ desired: { named } }: Plan): string => {
  const names = named.hosts.filter(({ kind, addresses }) => kind === 'whitelist' && addresses.length > 0)
  if (names.length === 0) return ''
  const list = names.map((host) =>
    host.refused === null ? describeHost(host) : `${describeHost(host)}, not as of today`,
  )
  return `Protected by name, with the addresses ${named.isToday ? 'of today' : 'that the server has recorded'}: ${list.join(', ')}.\n`
}

/** Text that is not from a file, such as apt's, as UTF-8 bytes, latin1-decoded. */
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

export interface PlanText {
  /** Of the screen; Infinity: lines are not wrapped. */
  readonly columns: number
  readonly diff: DiffChoice
  /** Whether packages are listed with their versions. */
  readonly isVerbose: boolean
  /** What qualifies "in sync". */
  readonly caveats: readonly string[]
}

/** The plan for people: what it does by topic, then its files. Latin1-decoded, since it quotes files. */
export const renderPlan = (plan: Plan, { columns, diff, isVerbose, caveats }: PlanText): string => {
  const { release, modes } = plan.desired
  const wrapped = (text: string) => wrap(text, columns, 2)
  if (isInSync(plan)) {
    const but = caveats.map((caveat) => `\nbut ${asBytes(caveat)}`).join('')
    return wrapped(
      `${release.title}: in sync, nothing to do (modes ${modesOf(modes).join(' and ')}); ${describeWrappers(plan)}${but}\n${describeProtection(plan)}${describeNames(plan)}`,
    )
  }
  const parts = [
    wrapped(`${release.title}\n${describeProtection(plan)}${describeNames(plan)}`),
    renderOverview(plan.steps, { columns, isVerbose, remarks: { 'hosts.allow': describeReaders(plan) } }),
    plan.inexact.length === 0
      ? ''
      : wrapped(
          `${plan.inexact.map((reason) => `${styled('red', 'not exact')}: ${asBytes(reason)}\n`).join('')}These settings would be made:\n${describeSettings(plan)}`,
        ),
    renderFiles(plan, diff),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** One step as JSON, with its diff instead of whole files. File bytes are U+0000 to U+00FF. */
const stepAsJson = (step: Step): object => {
  if (step.kind === 'touch') return { ...step, mode: step.mode.toString(8), diff: renderDiff(step) }
  if (step.kind === 'remove')
    return { kind: step.kind, path: step.path, reasons: step.reasons, diff: renderDiff(step) }
  if (step.kind !== 'write') return step
  const { kind, path, before, mode, reasons } = step
  const created = before === null ? { mode: mode.toString(8) } : {}
  return { kind, path, reasons, created: before === null, ...created, diff: renderDiff(step) }
}

/** The plan's part of the JSON document. */
export const planAsJson = (plan: Plan, pending: PendingConfirmation | null = null): object => ({
  root: plan.root,
  release: plan.desired.release.name,
  wrappers: plan.wrapped,
  inSync: isInSync(plan),
  confirmation: pendingAsJson(pending),
  inexact: plan.inexact,
  names: plan.desired.named.hosts.map(({ kind, host, addresses, refused }) => ({
    ...{ host, variable: NAME_VARIABLES[kind], addresses: addresses.map(formatNetwork), refused },
  })),
  summary: summarize(plan),
  steps: plan.steps.map(stepAsJson),
})

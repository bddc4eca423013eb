import { formatCidr } from '../network.ts'
import { type PendingConfirmation, pendingAsJson } from '../policy/confirmation.ts'
import { JAIL_PATH } from '../policy/jail.ts'
import { modesOf } from '../policy/release.ts'
import { renderDiff } from './diff.ts'
import { isInSync, type Plan, type Step } from './plan.ts'

/** One step in words, for a terminal. */
export const describeStep = (step: Step): string => {
  switch (step.kind) {
    case 'preseed':
      return `preseed  ${step.selections.join('; ')}`
    case 'install':
      return `install  ${step.packages.map(({ name, version }) => `${name} ${version}`).join(', ')}`
    case 'write':
      return `${step.before === null ? 'create ' : 'write  '}  ${step.path}: ${step.reasons.join(', ')}`
    case 'touch':
      return `create   ${step.path}, empty: ${step.reasons.join(', ')}`
    case 'remove':
      return `remove   ${step.path}: ${step.reasons.join(', ')}`
    case 'enable':
      return `enable   ${step.unit} at boot`
    case 'disable':
      return `disable  ${step.unit}, and stop it`
    case 'load-bans':
      return `load     the bans into the kernel: ${step.reasons.join(', ')}`
    case 'remove-bans':
      return `remove   the ban set of ${step.backend}${step.isLast ? ', and all bans in it' : ''}: ${step.reasons.join(', ')}`
    case 'hand-over-bans':
      return `stop     the timer of the old ban program, and pass its ${step.hosts.length} bans to fail2ban: ${step.reasons.join(', ')}`
    case 'remove-ban-program':
      return `remove   the rules, units and record of the old ban program: ${step.reasons.join(', ')}`
    case 'restart':
      return `restart  ${step.units.join(', ')}: ${step.reasons.join(', ')}`
    case 'reload':
      return `reload   ${step.service}: ${step.reasons.join(', ')}`
    case 'release':
      return `release  ${step.address}, which is protected but banned`
  }
}

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

/** What is protected on a server without a LAN; '' if config.env names one. */
const describeProtection = ({ root, desired: { lan, whitelist } }: Plan): string => {
  if (lan !== null) return ''
  const named = whitelist.length > 0 ? ', and WHITELIST' : ''
  const known = root === '/' ? '' : ' (if an apply on the server has recorded these)'
  return `LAN_IP and LAN_NM are not set: no LAN is protected, only the server's own addresses, its gateways and name servers${known}${named}.\n`
}

/** Text that is not from a file, such as apt's, as UTF-8 bytes, latin1-decoded. */
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/**
 * The plan for a terminal: steps in order, then the diff. Latin1-decoded, since it quotes files. `caveats` qualify
 * "in sync".
 */
export const renderPlan = (plan: Plan, caveats: readonly string[] = []): string => {
  const { release, modes } = plan.desired
  if (isInSync(plan)) {
    const but = caveats.map((caveat) => `\nbut ${asBytes(caveat)}`).join('')
    return `${release.title}: in sync, nothing to do (modes ${modesOf(modes).join(' and ')}); ${describeWrappers(plan)}${but}\n${describeProtection(plan)}`
  }
  const steps = plan.steps
    .map((step, index) => `${String(index + 1).padStart(3)}. ${describeStep(step)}\n`)
    .join('')
  const inexact = plan.inexact.map((reason) => `not exact: ${asBytes(reason)}\n`).join('')
  const settings = plan.inexact.length > 0 ? `These settings would be made:\n${describeSettings(plan)}` : ''
  const diff = plan.steps.map(renderDiff).join('')
  return `${release.title}; ${describeWrappers(plan)}\n${describeProtection(plan)}\n${steps}${inexact}${settings}${diff === '' ? '' : `\n${diff}`}`
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
  steps: plan.steps.map(stepAsJson),
})

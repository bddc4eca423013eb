import { renderDiff } from './diff.ts'
import type { Plan, Step } from './plan.ts'

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
    case 'enable':
      return `enable   ${step.service} at boot`
    case 'restart':
      return `restart  ${step.service}: ${step.reasons.join(', ')}`
    case 'release':
      return `release  ${step.address}, which is protected but banned`
  }
}

const describeModes = ({ modes }: Plan['desired']): string =>
  [modes.TCP_MODE, modes.UDP_MODE].filter((mode) => mode !== '').join(' and ')

/** What would be set, where the stock files are out of reach and no true diff can be made. */
const describeSettings = ({ desired }: Plan): string => {
  const lines = [
    `${desired.release.modesPath}: ${Object.entries(desired.modes)
      .map(([name, value]) => `${name}="${value}"`)
      .join(' ')}`,
    ...[...desired.conf].map(
      ([key, value]) => `${desired.release.confPath}: ${key}=${value === null ? '(none)' : `"${value}"`}`,
    ),
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}

/** The plan for a terminal: steps in order, then the diff. Latin1-decoded where it quotes files. */
export const renderPlan = (plan: Plan): string => {
  const { release } = plan.desired
  if (plan.steps.length === 0 && plan.inexact.length === 0) {
    return `${release.title}: in sync, nothing to do (modes ${describeModes(plan.desired)})\n`
  }
  const steps = plan.steps
    .map((step, index) => `${String(index + 1).padStart(3)}. ${describeStep(step)}\n`)
    .join('')
  const inexact = plan.inexact.map((reason) => `not exact: ${reason}\n`).join('')
  const settings = plan.inexact.length > 0 ? `These settings would be made:\n${describeSettings(plan)}` : ''
  const diff = plan.steps.map(renderDiff).join('')
  return `${release.title}\n\n${steps}${inexact}${settings}${diff === '' ? '' : `\n${diff}`}`
}

/** One step as JSON, with its diff in place of whole files. File bytes are given as U+0000 to U+00FF. */
const stepAsJson = (step: Step): object => {
  if (step.kind === 'touch') return { ...step, mode: step.mode.toString(8), diff: renderDiff(step) }
  if (step.kind !== 'write') return step
  const { kind, path, before, mode, reasons } = step
  const created = before === null ? { mode: mode.toString(8) } : {}
  return { kind, path, reasons, created: before === null, ...created, diff: renderDiff(step) }
}

/** The plan's part of the JSON document. */
export const planAsJson = (plan: Plan): object => ({
  root: plan.root,
  release: plan.desired.release.name,
  inSync: plan.steps.length === 0 && plan.inexact.length === 0,
  inexact: plan.inexact,
  steps: plan.steps.map(stepAsJson),
})

import type { Assessment } from '../assessment/assess.ts'
import { counted } from '../phrases.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { isJailWanted } from '../policy/jail.ts'
import type { Problem } from '../problem.ts'
import { type Style, styled } from '../styled.ts'
import { namesOf } from './ban-table.ts'
import type { ServiceStatus } from './service-status.ts'
import type { BanStatus } from './status-bans.ts'

/**
 * - `unprotected`: a daemon does not do its work.
 * - `attention`: both do, as far as that was checked, but something has drifted or will not last.
 * - `unchecked`: nothing wrong was found, but not everything could be checked.
 */
type State = 'healthy' | 'attention' | 'unprotected' | 'unchecked'

/** The state of a server or tree in one line, true to what was looked at. */
export interface Health {
  readonly state: State
  /** The line, without colours. */
  readonly summary: string
  /** What is wrong. */
  readonly faults: readonly string[]
  /** What could not be checked. */
  readonly unchecked: readonly string[]
}

/** What was looked at. */
export interface Looked {
  readonly services: readonly ServiceStatus[]
  /** Null if no plan can be made. */
  readonly plan: Plan | null
  /** Whether fail2ban should have loaded the portsentry jail. */
  readonly isJailWanted: boolean
  readonly isObserving: boolean
  readonly bans: Pick<BanStatus, 'banned' | 'incomplete' | 'unread'>
  /** Whether it is a tree, which has no daemons, and whether root asked them. */
  readonly isTree: boolean
  readonly asRoot: boolean
  /** What has to be known beside: that the state will not last. */
  readonly caveats: readonly string[]
}

/** Why a daemon does not do its work now; null: no reason was found. */
const whyDown = (
  service: ServiceStatus,
  { isJailWanted, asRoot }: Pick<Looked, 'isJailWanted' | 'asRoot'>,
): string | null => {
  const { name, installed, running, watching, watchingDetail, fault, detail } = service
  if (running === null) return null
  if (!running && installed === null) return `${name} is not installed`
  if (!running) return `${name} is not running${fault === null ? '' : `, and would not start: ${fault}`}`
  if (watching === false) return `${name} is running, but ${watchingDetail}`
  if (name === 'portsentry') return null
  if (detail === null) return asRoot ? 'fail2ban does not answer' : null
  return isJailWanted && !detail.includes('portsentry') ? 'fail2ban has not loaded the portsentry jail' : null
}

/** Whether a daemon does its work now; null: not everything that decides could be checked. */
export const isWorking = (
  service: ServiceStatus,
  looked: Pick<Looked, 'isJailWanted' | 'asRoot'>,
): boolean | null => {
  if (whyDown(service, looked) !== null) return false
  const isChecked = service.name === 'portsentry' ? service.watching !== null : service.detail !== null
  return service.running !== null && isChecked ? true : null
}

/** Interfaces may come later than portsentry, such as those of containers: only a remark. */
const findGaps = ({ watching, watchingDetail }: ServiceStatus): string[] =>
  watching === true && watchingDetail !== null
    ? [`portsentry does not watch everywhere: ${watchingDetail}`]
    : []

/** Why portsentry will not do its work at its next start. */
const whyNotLasting = ({ name, running, fault }: ServiceStatus): string[] =>
  fault === null || running === false
    ? []
    : [`${name} would not start${running === true ? ' again' : ''}: ${fault}`]

const findDrift = (plan: Plan | null): string[] => {
  if (plan === null) return ['no plan can be made, so drift cannot be determined']
  return isInSync(plan) || plan.inexact.length > 0 ? [] : [`drift: ${counted(plan.steps.length, 'change')}`]
}

const findUnchecked = ({ services, plan, bans, isTree, asRoot }: Looked): string[] => {
  const inexact = plan === null || plan.inexact.length === 0 ? [] : [`drift (${plan.inexact.join('; ')})`]
  if (isTree) return ['the daemons, since nothing runs in a tree', ...inexact]
  if (!asRoot)
    return [
      "whether portsentry watches, fail2ban's jails and the firewall, which only root can see",
      ...inexact,
    ]
  return [
    ...services
      .filter(
        ({ running, watching, watchingDetail }) => running && watching === null && watchingDetail !== null,
      )
      .map(({ name, watchingDetail }) => `whether ${name} watches (${watchingDetail})`),
    ...(bans.unread.length === 0 ? [] : [`bans in ${namesOf(bans.unread)}`]),
    ...inexact,
  ]
}

const describeBanned = ({ isObserving, bans: { banned, incomplete } }: Looked): string => {
  const gaps = incomplete === 0 ? '' : `, ${incomplete} of them NOT EVERYWHERE`
  const found = `${counted(banned, 'host')} banned${gaps}`
  return isObserving ? `${found}, scans are only logged (OBSERVE_ONLY)` : found
}

/** Judges what was looked at. Pure. */
export const judgeHealth = (looked: Looked): Health => {
  const down = looked.services.flatMap((service) => whyDown(service, looked) ?? [])
  const faults = [...down, ...looked.services.flatMap(whyNotLasting), ...findDrift(looked.plan)]
  const unchecked = findUnchecked(looked)
  const caveats = [...looked.services.flatMap(findGaps), ...looked.caveats]
  const but = caveats.map((caveat) => `, but ${caveat}`).join('')
  const rest = `${unchecked.length === 0 ? '' : `; not checked: ${unchecked.join(', ')}`}${but}`
  if (down.length > 0) {
    const summary = `NOT protected as config.env asks: ${faults.join('; ')}${rest}`
    return { state: 'unprotected', summary, faults, unchecked }
  }
  if (faults.length > 0)
    return { state: 'attention', summary: `needs attention: ${faults.join('; ')}${rest}`, faults, unchecked }
  if (unchecked.length > 0)
    return { state: 'unchecked', summary: `nothing wrong found${rest}`, faults, unchecked }
  const summary = `healthy: both daemons run and watch, ${describeBanned(looked)}, nothing has drifted${but}`
  return { state: 'healthy', summary, faults, unchecked }
}

const STYLES: Readonly<Record<State, Style>> = {
  healthy: 'green',
  attention: 'yellow',
  unprotected: 'red',
  unchecked: 'yellow',
}

/** What is known beside the health of a server: that it will not last. */
const passing = (problems: readonly Problem[]): string[] =>
  problems
    .filter(({ code }) => code === 'unconfirmed' || code === 'interrupted' || code === 'at-work')
    .map(({ message }) => message)

/** What an assessment shows of the health. */
export const lookAt = (
  { facts, desired, settings, plan, problems }: Assessment,
  services: Looked['services'],
  bans: Looked['bans'],
): Looked => ({
  ...{ services, plan, bans },
  isTree: facts.live === null,
  asRoot: facts.live?.asRoot === true,
  isJailWanted: desired !== null && isJailWanted(desired),
  isObserving: settings?.observeOnly === true,
  caveats: passing(problems),
})

/** The line, with its first words in colour. */
export const renderHealth = ({ state, summary }: Health): string =>
  summary.replace(/^[^:;]+/, (words) => styled(STYLES[state], words))

import { namingOptions } from '../assessment/assess.ts'
import type { Plan } from '../plan/plan.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import type { Problem } from '../problem.ts'
import { styled } from '../styled.ts'
import type { GlobalOptions } from './output.ts'

type Given = Pick<GlobalOptions, 'config' | 'root' | 'release'> & { readonly isRoot: boolean }

/** What to do about a plan: the command that carries it out, or what `apply` would refuse it for. */
export const nextStep = (
  plan: Plan,
  problems: readonly Problem[],
  pending: PendingConfirmation | null,
  given: Given,
): string => {
  const options = namingOptions(given)
  const command = (name: string) => styled('bold', ['portward', name, ...options].join(' '))
  if (plan.inexact.length > 0)
    return `next: fix what keeps the plan from being exact, then ${command('plan')}; apply refuses it until then`
  if (given.root !== '/') return `next: ${command('apply')}`
  if (pending?.leftMs === 0) return 'next: wait until the last apply has been rolled back'
  if (pending !== null)
    return 'next: portward confirm or portward rollback; apply refuses to begin before the last apply is confirmed'
  if (problems.some(({ code }) => code === 'ssh-client'))
    return `next: protect the SSH client that the warning names; ${command('apply')} refuses until then, unless with --allow-lockout`
  return `next${given.isRoot ? '' : ', as root'}: ${command('apply')}`
}

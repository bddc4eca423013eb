import type { ActionOutcome } from './decision.ts'

const ALL_THE_SAME = 'portsentry logs the host as blocked all the same'

const howItEnded = (exitCode: number | null, said: string): string => {
  const ended = exitCode === null ? 'was not carried out' : `ended with exit code ${exitCode}`
  return said === '' ? ended : `${ended}: ${said}`
}

const remarkOn = ({ action, result, exitCode, said }: ActionOutcome, blocked: boolean): string[] => {
  const { option } = action
  const consequence = blocked ? ` — ${ALL_THE_SAME}` : ''
  if (action.kind === 'impossible') return [`${option} is skipped, ${action.reason}${consequence}`]
  if (result === 'failed') return [`${option} ${howItEnded(exitCode, said)}${consequence}`]
  // What went otherwise than one would think, as an entry that came onto an unfinished line.
  return action.kind === 'hosts-deny' && said !== '' ? [`${option}: ${said}`] : []
}

/** What the daemon keeps to itself about its actions: one line each, none where all is well. */
export const remarksOn = (outcomes: readonly ActionOutcome[], blocked: boolean | null): string[] =>
  outcomes.flatMap((outcome) => remarkOn(outcome, blocked === true))

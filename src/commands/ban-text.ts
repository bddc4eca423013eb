import type { BanDecision, BanOutcome } from '../policy/ban-requests.ts'
import { styled } from '../styled.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'

const untilWhen = ({ untilMs }: BanDecision): string =>
  untilMs === undefined ? '' : untilMs === null ? ' permanently' : ` until ${formatTimestamp(untilMs)}`

const describe = (decision: BanDecision, isDryRun: boolean): string => {
  const { outcome, why } = decision
  switch (outcome) {
    case 'banned':
      return `${isDryRun ? 'would be banned' : 'banned'}${untilWhen(decision)}`
    case 'prolonged':
      return `its ban ${isDryRun ? 'would last' : 'now lasts'} longer:${untilWhen(decision)}`
    case 'held':
      return `is banned already${untilWhen(decision)}: left as it is`
    case 'expired':
      return 'not banned: the end that the list gives is over'
    case 'left-out':
      return `left out: ${why}`
    case 'refused':
      return `${styled('red', 'REFUSED')}: ${why}`
    case 'failed':
      return `${styled('red', 'NOT BANNED')}: ${why}`
  }
}

export const banLine = (decision: BanDecision, isDryRun: boolean): string =>
  `${decision.wanted.address}: ${describe(decision, isDryRun)}\n`

const OUTCOMES: Readonly<Record<BanOutcome, string>> = {
  banned: 'banned',
  prolonged: 'prolonged',
  held: 'banned already',
  refused: 'refused',
  expired: 'over',
  'left-out': 'left out',
  failed: 'failed',
}

export const countOutcomes = (decisions: readonly BanDecision[]): Readonly<Record<BanOutcome, number>> => {
  const counts = { banned: 0, prolonged: 0, held: 0, refused: 0, expired: 0, 'left-out': 0, failed: 0 }
  for (const { outcome } of decisions) counts[outcome] += 1
  return counts
}

/** `12 addresses: 9 banned, 2 banned already, 1 refused`; '' for a single one, whose line says it. */
export const banSummary = (decisions: readonly BanDecision[]): string => {
  if (decisions.length === 0) return 'the list has no bans\n'
  if (decisions.length === 1) return ''
  const parts = Object.entries(countOutcomes(decisions))
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${OUTCOMES[outcome as BanOutcome]}`)
  return `${decisions.length} addresses: ${parts.join(', ')}\n`
}

export const decisionAsJson = ({ wanted, outcome, why, untilMs }: BanDecision): object => ({
  address: wanted.address,
  outcome,
  message: why,
  reason: wanted.note.reason,
  from: wanted.note.from,
  until: untilMs === undefined ? null : untilMs === null ? 'permanent' : isoTimestamp(untilMs),
})

import { counted } from '../phrases.ts'
import { styled } from '../styled.ts'
import { formatTimestamp, isoTimestamp } from '../system/timestamps.ts'
import type { LastVerify, LastVerifyRead } from '../verify/last-verify.ts'

/** When the server was last verified, and how that ended, as a line of the status. */
export const describeLastVerify = ({ isRead, last }: LastVerifyRead): string => {
  if (!isRead) return 'unknown, as the record could not be read'
  if (last === null) return 'never: see portward verify'
  const { pass, warn, fail, skip } = last.results
  const parts = [
    `${counted(pass, 'check')} passed`,
    ...(warn === 0 ? [] : [counted(warn, 'warning')]),
    ...(skip === 0 ? [] : [`${skip} not checked`]),
  ]
  const failed = fail === 0 ? [] : [styled('red', `${fail} FAILED`)]
  return `${formatTimestamp(last.timeMs)}: ${[...failed, ...parts].join(', ')}`
}

export const lastVerifyAsJson = (last: LastVerify | null): object | null =>
  last === null ? null : { time: isoTimestamp(last.timeMs), ...last.results }

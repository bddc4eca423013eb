import { asAscii } from '../styled.ts'
import type { LocalClock } from './buckets.ts'
import { momentOf, offsetOf } from './moments.ts'
import type { Report, Sources } from './report.ts'
import { atLeast, headline, isKnown, plural, portName } from './wording.ts'

/** Entries of each list. */
const MOST = 5

/** A report as a message. */
export interface Digest {
  readonly subject: string
  readonly text: string
}

/** What happened, in a few lines of ASCII for a mail or a chat. `host`: the server's name. */
export const renderDigest = (report: Report, sources: Sources, local: LocalClock, host: string): Digest => {
  const { sinceMs, untilMs, totals, ports, offenders } = report
  const known = isKnown(report, sources)
  const counts = [
    ...(known.scans ? [plural(totals.scans, 'scan')] : []),
    ...(known.bans ? [plural(totals.bans, 'ban')] : []),
  ]
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
  const lines = [
    `${host}, ${momentOf(sinceMs, local)} to ${momentOf(untilMs, local)} (${offsetOf(untilMs, local)})`,
    '',
    ...headline(report, sources, local),
    ...list(
      'Ports, by how many hosts scanned them:',
      ports.slice(0, MOST).map((port) => `${portName(port)}: ${plural(port.hosts, 'host')}`),
    ),
    ...list(
      'Repeat offenders:',
      offenders
        .slice(0, MOST)
        .map(({ address, scans, bans }) => `${address}: scans ${atLeast(scans)}, bans ${atLeast(bans)}`),
    ),
    '',
    'portward report shows more.',
  ]
  return {
    subject: `portward on ${host}: ${counts.join(', ') || 'scans and bans not checked'}`,
    text: asAscii(`${lines.join('\n')}\n`),
  }
}

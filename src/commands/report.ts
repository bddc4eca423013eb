import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { assess } from '../assessment/assess.ts'
import { pendingProblem } from '../policy/confirmation.ts'
import { reportAsJson } from '../report/as-json.ts'
import { renderReport } from '../report/text.ts'
import { type Moment, resolveMoment } from '../report/window.ts'
import { epochOf, localTime } from '../system/clock.ts'
import { replaceFile } from '../system/files.ts'
import { activity } from '../system/progress.ts'
import { isoTimestamp } from '../system/timestamps.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'
import { readReport } from './report-sources.ts'
import { sendDigest } from './send-digest.ts'

export interface ReportOptions extends GlobalOptions {
  readonly since?: Moment
  readonly until?: Moment
  /** A file for the report as a page. */
  readonly html?: string
  /** Sends a summary to the recipients of config.env. */
  readonly send?: boolean
}

const DEFAULT_MS = 30 * 24 * 3_600_000
/** A longer one would have more weeks than a page can show. */
const MOST_MS = 100 * 365.25 * 24 * 3_600_000
/** It has addresses of people. */
const PAGE_MODE = 0o600

/** `portward report`: scans and bans over time, by port, network and kind of scan; who came back. Changes nothing on the server. */
export const reportCommand = async (options: ReportOptions): Promise<number> => {
  const { since, until, html, send = false } = options
  const output = openOutput(options)
  const nowMs = Date.now()
  const untilMs = until === undefined ? nowMs : resolveMoment(until, nowMs, epochOf)
  const sinceMs =
    since === undefined ? untilMs - DEFAULT_MS : Math.max(0, resolveMoment(since, nowMs, epochOf))
  if (sinceMs >= untilMs) {
    output.complain('portward: --since must be before --until')
    return EXIT.usage
  }
  if (untilMs - sinceMs > MOST_MS) {
    output.complain('error: there are more than 100 years from --since to --until')
    return EXIT.usage
  }
  const assessment = await assess(options, { filesOnly: true })
  const { settings } = assessment
  if (send && settings === null) {
    output.problems(assessment.problems)
    return EXIT.configuration
  }
  const recipients = send ? (settings?.notify ?? []) : []
  if (send && recipients.length === 0) {
    output.complain('error: NOTIFY in config.env names nobody to send it to')
    return EXIT.configuration
  }
  if (assessment.pending !== null) output.problems([pendingProblem(assessment.pending)])
  const { report, sources } = await activity('reading the history and the bans', () =>
    readReport(assessment, { sinceMs, untilMs }),
  )
  const path = html === undefined ? null : resolve(html)
  if (path !== null) {
    const { renderPage } = await import('../report/page/page.ts')
    const hash = (text: string) => createHash('sha256').update(text).digest('base64')
    const page = renderPage(report, sources, { local: localTime, nowMs, hash, version: PORTWARD_VERSION })
    await replaceFile('/', path, Buffer.from(page).toString('latin1'), PAGE_MODE)
    output.note(`the report is in ${path}`)
  } else if (!send) {
    const text = renderReport(report, sources, localTime, output.screen.columns)
    if (output.screen.isTerminal) await output.page(text)
    else output.text(text)
  }
  const content = reportAsJson(report, sources, (timeMs) => isoTimestamp(timeMs) ?? '')
  const sent = send ? await sendDigest(recipients, report, sources) : []
  const failures = sent.filter(({ failure }) => failure !== null)
  for (const { recipient, failure } of sent) {
    if (failure === null) output.note(`sent to ${recipient}`)
    else output.complain(`error: not sent to ${recipient}: ${failure}`)
  }
  const sentTo = sent.filter((each) => !failures.includes(each)).map(({ recipient }) => recipient)
  output.document('report', { root: options.root, html: path, sentTo: send ? sentTo : null, ...content })
  if (failures.length > 0) return EXIT.failed
  return sources.history.state === 'incomplete' || sources.database.state === 'incomplete'
    ? EXIT.failed
    : EXIT.ok
}

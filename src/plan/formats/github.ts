import { type Finding, findAll } from './findings.ts'
import type { Report } from './report.ts'

/** The only escapes that the runner decodes in a command's message are %25, %0D and %0A. */
const escapeMessage = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** In a property `:` and `,` would also end the value. */
const escapeProperty = (text: string): string =>
  escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

const renderAnnotation = ({ severity, check, summary, change, path, lines }: Finding): string => {
  const properties = Object.entries({
    ...(path === null ? {} : { file: path }),
    ...(path === null || lines === null ? {} : { line: lines.first, endLine: lines.last }),
    title: `portward: ${check}`,
  }).map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
  const message = change === '' ? summary : `${summary}\n${change}`
  return `::${severity} ${properties.join(',')}::${escapeMessage(message)}\n`
}

/** GitHub shows only this many annotations of each severity per step, and silently drops the others. */
const MAX_SHOWN = 10
const SEVERITIES = ['error', 'warning', 'notice'] as const

/** Those that GitHub shows; if there are more, the last one says how many. */
const takeShown = (findings: readonly Finding[], severity: Finding['severity']): Finding[] => {
  const found = findings.filter((finding) => finding.severity === severity)
  if (found.length <= MAX_SHOWN) return found
  const left = found.length - MAX_SHOWN + 1
  const summary = `${left} more are not shown, since GitHub shows only ${MAX_SHOWN} per step: see its summary, or --format markdown`
  const more: Finding = { severity, check: `${left} more`, summary, change: '', path: null, lines: null }
  return [...found.slice(0, MAX_SHOWN - 1), more]
}

/** GitHub's workflow commands, one a line: each becomes an annotation, errors first. '' if there is nothing to report. */
export const renderGithub = (report: Report): string => {
  const findings = findAll(report)
  return SEVERITIES.flatMap((severity) => takeShown(findings, severity))
    .map(renderAnnotation)
    .join('')
}

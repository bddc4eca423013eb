import { type Finding, findAll } from './findings.ts'
import { type Report, shownPath } from './report.ts'

/** GitLab's words: what differs must not be merged unseen, what is told about a step is the way to it. */
const severityOf = ({ severity, path }: Finding): string => {
  if (severity === 'error') return 'critical'
  if (severity === 'notice') return 'info'
  return path === null ? 'minor' : 'major'
}

/**
 * A Code Quality report. GitLab knows a finding again by its fingerprint, so that says what is told and about which file,
 * not in which line; it shows only one finding of a fingerprint, so equal ones are counted. `digest` turns a
 * text into a short one that is as good as unique.
 */
export const renderGitlab = (report: Report, digest: (text: string) => string): string => {
  const seen = new Map<string, number>()
  const entries = findAll(report).map((finding) => {
    const { check, summary, change, lines } = finding
    // Each finding needs a file: what is in none comes from config.env.
    const path = finding.path ?? shownPath(report, report.configPath)
    const content = JSON.stringify([check, path, change === '' ? summary : change])
    const count = (seen.get(content) ?? 0) + 1
    seen.set(content, count)
    return {
      description: change === '' ? summary : `${summary}\n${change}`,
      check_name: check,
      fingerprint: digest(count === 1 ? content : `${content}#${count}`),
      severity: severityOf(finding),
      location: { path, lines: { begin: lines?.first ?? 1 } },
    }
  })
  return `${JSON.stringify(entries, null, 2)}\n`
}

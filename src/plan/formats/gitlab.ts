import { type Finding, findAll } from './findings.ts'
import { type Report, shownPath } from './report.ts'

/** GitLab's severities: a difference in a file must not be merged unseen; other steps only follow from it. */
const severityOf = ({ severity, path }: Finding): string => {
  if (severity === 'error') return 'critical'
  if (severity === 'notice') return 'info'
  return path === null ? 'minor' : 'major'
}

/**
 * A Code Quality report. GitLab recognizes a finding by its fingerprint, which therefore depends on content and file, but not
 * on the line; of equal fingerprints it shows only one, so equal findings are numbered. `digest` is a hash function.
 */
export const renderGitlab = (report: Report, digest: (text: string) => string): string => {
  const seen = new Map<string, number>()
  const entries = findAll(report).map((finding) => {
    const { check, summary, change, lines } = finding
    // GitLab requires a file for each finding: config.env for those without one.
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

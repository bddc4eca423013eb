import { renderGithub } from './github.ts'
import { renderGitlab } from './gitlab.ts'
import { renderMarkdown } from './markdown.ts'
import type { Format, Report } from './report.ts'

/** A report for CI, Unicode. `digest`: see renderGitlab. */
export const renderReport = (
  format: Exclude<Format, 'text' | 'json' | 'diff'>,
  report: Report,
  digest: (text: string) => string,
): string => {
  switch (format) {
    case 'github':
      return renderGithub(report)
    case 'gitlab':
      return renderGitlab(report, digest)
    case 'markdown':
      return renderMarkdown(report)
  }
}

import { renderGithub } from './github.ts'
import { renderGitlab } from './gitlab.ts'
import { renderMarkdown } from './markdown.ts'
import type { Report } from './report.ts'

/** How `portward plan` can print a plan. */
export const FORMATS = ['text', 'json', 'github', 'gitlab', 'markdown'] as const

export type Format = (typeof FORMATS)[number]

/** A report for CI, Unicode. `digest`: see renderGitlab. */
export const renderReport = (
  format: Exclude<Format, 'text' | 'json'>,
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

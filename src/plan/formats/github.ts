import { type Finding, findAll } from './findings.ts'
import type { Report } from './report.ts'

/** As the runner reads a command's message back: %25, %0D and %0A, and nothing else. */
const escapeMessage = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** In a property `:` and `,` would end the value. */
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

/** GitHub's workflow commands, one a line: each becomes an annotation. '' where there is nothing to tell. */
export const renderGithub = (report: Report): string => findAll(report).map(renderAnnotation).join('')

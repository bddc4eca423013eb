import { counted } from '../../phrases.ts'
import { clip, readableBytes, showHidden } from '../../readable.ts'
import { renderDiff } from '../diff.ts'
import { isInSync } from '../plan.ts'
import { problemInWords, stepInWords } from './findings.ts'
import { type Report, shownPath } from './report.ts'

/** GitHub accepts comments of 65,536 characters; a workflow may add some text of its own. */
const MAX_LENGTH = 65_000
/** The most of it for one list: the diff should get most. */
const MAX_LIST = 15_000
/** Longer lines are cut, which also limits the length of the fence. */
const MAX_LINE = 2000

/** A run of at least `least` backticks that the text does not contain. */
const fenceFor = (text: string, least: number): string => {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  return '`'.repeat(Math.max(least, longest + 1))
}

/** Text in which nothing is markup, HTML or a mention, on one line. */
const code = (text: string): string => {
  const line = text.replace(/\s+/g, ' ')
  const fence = fenceFor(line, 1)
  return `${fence} ${line} ${fence}`
}

/** As many lines as fit, each with its newline, and the number of those that do not. */
const takeLines = (lines: readonly string[], length: number): { text: string; left: number } => {
  let text = ''
  for (const [index, line] of lines.entries()) {
    if (text.length + line.length + 1 > length) return { text, left: lines.length - index }
    text += `${line}\n`
  }
  return { text, left: 0 }
}

const renderList = (items: readonly string[]): string => {
  if (items.length === 0) return ''
  const { text, left } = takeLines(items, MAX_LIST)
  return `\n${text}${left > 0 ? `\n${left} more are not shown here.\n` : ''}`
}

const headline = ({ plan, isConfigurationWrong }: Report): string => {
  if (plan === null) return isConfigurationWrong ? 'wrong configuration' : 'no plan could be made'
  if (isInSync(plan)) return 'in sync'
  const count = plan.steps.length
  return count === 0 ? 'changes pending' : `${counted(count, 'change')} pending`
}

const renderProblems = (report: Report): string =>
  renderList(
    report.problems.map((problem) => {
      const { path, line } = problem.at
      const location = `${showHidden(shownPath(report, path))}${line === undefined ? '' : `:${line}`}`
      return `- **${problem.severity}** ${code(location)} ${code(problemInWords(problem))}`
    }),
  )

/** The diff, collapsed and cut to the length, with a note if it was cut. */
const renderDetails = (diff: string, length: number): string => {
  if (diff === '') return ''
  const lines = diff
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => clip(line, MAX_LINE))
  const fence = fenceFor(lines.join('\n'), 3)
  const open = `\n<details><summary>Diff</summary>\n\n${fence}diff\n`
  const { text, left } = takeLines(lines, length - open.length - fence.length - 100)
  const rest = left > 0 ? `The diff is cut: ${left} more lines do not fit into a comment.\n\n` : ''
  return `${open}${text}${fence}\n\n${rest}</details>\n`
}

/** A comment for a pull request. Contents of files and config.env appear in it as plain text, never as markup. */
export const renderMarkdown = (report: Report): string => {
  const { plan, configPath } = report
  const shown = showHidden(shownPath(report, plan === null ? configPath : plan.root))
  const about = plan === null ? code(shown) : `${code(shown)}: ${plan.desired.release.title}`
  const inexact =
    plan?.inexact.map((reason) => `- **not exact** ${code(clip(showHidden(reason), MAX_LINE))}`) ?? []
  const head = [
    `### portward: ${headline(report)}\n\n${about}\n`,
    renderList(plan?.steps.map((step, index) => `${index + 1}. ${code(stepInWords(step))}`) ?? []),
    renderList(inexact),
    renderProblems(report),
  ].join('')
  const diff = readableBytes(plan?.steps.map(renderDiff).join('') ?? '')
  return head + renderDetails(diff, MAX_LENGTH - head.length)
}

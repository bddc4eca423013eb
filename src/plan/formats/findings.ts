import { join } from 'node:path'
import type { Problem } from '../../problem.ts'
import { clip, readableBytes, readableWords, showHidden } from '../../readable.ts'
import type { Plan, Step } from '../plan.ts'
import { describeStep } from '../words.ts'
import { type Hunk, hunksOf } from './hunks.ts'
import { type Report, shownPath } from './report.ts'

/** One thing to report: a problem, a hunk of a file that differs, or a step that does not concern a file. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'notice'
  /** Stable, for tools: a problem's code, `pending-` and a step's kind, or `not-exact`. */
  readonly check: string
  /** The report in one line. */
  readonly summary: string
  /** The lines that would be removed and added, as in a diff; '' if there are none. */
  readonly change: string
  /** As CI expects it; null: not in a file. */
  readonly path: string | null
  /** From 1; null: the file as a whole. */
  readonly lines: { readonly first: number; readonly last: number } | null
}

/** Longer hunks are cut in annotations; the other formats have the whole diff. */
const MAX_CHANGE = 2000
const MAX_SUMMARY = 1000

/** One step in words, on one line. */
export const stepInWords = (step: Step): string =>
  clip(readableWords(describeStep(step)).replace(/\s+/g, ' '), MAX_SUMMARY)

/** What is wrong and what to do, on one line. */
export const problemInWords = ({ message, hint }: Problem): string =>
  clip(readableWords(`${message} — ${hint}`).replace(/\s+/g, ' '), MAX_SUMMARY)

const changeOf = ({ removed, added }: Hunk): string =>
  clip(
    readableBytes([...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)].join('\n')),
    MAX_CHANGE,
  )

const findStep = (step: Step, { root }: Plan, report: Report): Finding[] => {
  const summary = stepInWords(step)
  const check = `pending-${step.kind}`
  const hunks = hunksOf(step)
  if (hunks.length === 0 || !('path' in step)) {
    return [{ severity: 'notice', check, summary, change: '', path: null, lines: null }]
  }
  const path = shownPath(report, join(root, step.path))
  return hunks.map((hunk) => ({
    severity: 'warning',
    check,
    summary,
    change: changeOf(hunk),
    path,
    lines: { first: hunk.line, last: hunk.endLine },
  }))
}

const findProblem = (problem: Problem, report: Report): Finding => {
  const { severity, code, at } = problem
  const isFile = at.path.startsWith('/')
  const words = problemInWords(problem)
  return {
    severity,
    check: code,
    summary: isFile ? words : `${showHidden(at.path)}: ${words}`,
    change: '',
    path: isFile ? shownPath(report, at.path) : null,
    lines: at.line === undefined ? null : { first: at.line, last: at.line },
  }
}

const creates = (step: Step): boolean => step.kind === 'write' && step.before === null

/** Everything to report: problems, then differences, then files that would be created. Empty if in sync without problems. */
export const findAll = (report: Report): Finding[] => {
  const { plan, problems } = report
  const found = problems.map((problem) => findProblem(problem, report))
  if (plan === null) return found
  const inexact = plan.inexact.map((reason): Finding => {
    const summary = clip(showHidden(reason).replace(/\s+/g, ' '), MAX_SUMMARY)
    return { severity: 'warning', check: 'not-exact', summary, change: '', path: null, lines: null }
  })
  const steps = [...plan.steps.filter((step) => !creates(step)), ...plan.steps.filter(creates)]
  return [...found, ...inexact, ...steps.flatMap((step) => findStep(step, plan, report))]
}

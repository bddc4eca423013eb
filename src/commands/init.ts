import { join } from 'node:path'
import {
  type Assessment,
  assess,
  assessText,
  checkPlace,
  locate,
  namingOptions,
} from '../assessment/assess.ts'
import { isInSync } from '../plan/plan.ts'
import { summarize, summaryInWords } from '../plan/summary.ts'
import { type Answers, type Existing, type Proposal, propose } from '../policy/proposal.ts'
import { configFor, says } from '../policy/proposed-config.ts'
import type { Problem } from '../problem.ts'
import { editConfig } from '../settings/config-edit.ts'
import { readConfigLines } from '../settings/config-lines.ts'
import { parseSettings } from '../settings/settings.ts'
import { wrap } from '../styled.ts'
import { hasText, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { askWhether, hasTerminal } from './ask.ts'
import { type InitOptions, readAnswers } from './init-answers.ts'
import { askAnswers, findOpen } from './init-questions.ts'
import { proposalAsJson, renderProposal, renderText } from './init-text.ts'
import { expectRoot, locked } from './locked.ts'
import { EXIT, type Output, openOutput, problemAsJson } from './output.ts'

const LAN: ReadonlyMap<string, null> = new Map([
  ['LAN_IP', null],
  ['LAN_NM', null],
])

/** What config.env itself says, without the environment; null if it sets nothing; undefined if more than its LAN is wrong. */
const readExisting = (text: string, path: string): Existing | null | undefined => {
  const { settings } = parseSettings(text, {}, path)
  if (settings !== null) return settings.locations.size > 0 ? settings : null
  const rest = parseSettings(editConfig(text, LAN), {}, path).settings
  return rest === null ? undefined : { ...rest, lan: undefined }
}

/** What `portward plan` would show then. */
const describePlan = ({ plan }: Assessment, { screen }: Output): string => {
  if (plan === null) return 'no plan can be made yet: the error above says why\n'
  if (isInSync(plan)) return 'portward plan would show no change\n'
  const more = plan.inexact.length === 0 ? '' : 'at least '
  return `${wrap(`portward plan would show ${more}${summaryInWords(plan)}`, screen.columns, 2)}\n`
}

const OPTIONS = { lan: '--lan ADDRESS/PREFIX or --no-lan', whitelist: '--whitelist LIST' }

/** What is missing without a terminal, as a message. */
const describeMissing = (missing: readonly ('lan' | 'whitelist')[], proposal: Proposal): string => {
  const give = `give ${missing.map((name) => OPTIONS[name]).join(' and ')}`
  return proposal.lan === undefined
    ? `portward: ${proposal.lanReason}: ${give}`
    : `portward: there is no terminal to ask on: ${give}, or take what is proposed with --defaults`
}

/** A run on one config.env. */
interface Run {
  readonly options: InitOptions
  readonly output: Output
  readonly assessment: Assessment
  /** As it is shown. */
  readonly path: string
  readonly existing: Existing | null
}

/** The proposal with all answers; null if nobody has answered; or what nobody could be asked. */
const complete = async (
  { options, output, assessment: { facts }, existing }: Run,
  answers: Answers,
): Promise<Proposal | null | { readonly missing: ('lan' | 'whitelist')[]; readonly proposal: Proposal }> => {
  const proposal = propose(facts, existing, answers)
  output.text(renderProposal(proposal, output.screen.columns))
  const open = options.defaults ? [] : findOpen(answers)
  const missing = proposal.lan === undefined && !open.includes('lan') ? (['lan', ...open] as const) : open
  if (missing.length === 0) return proposal
  if (options.defaults || !hasTerminal(options)) return { missing: [...missing], proposal }
  const answered = await askAnswers(facts, existing, answers, options)
  return answered && propose(facts, existing, answered)
}

/** Whether it may be written: on a terminal somebody is asked, and always about a config.env that is there already. */
const mayWrite = async ({ options, assessment, path }: Run): Promise<boolean> => {
  const isNew = assessment.configText === null
  if (options.yes || (isNew && (options.defaults || !hasTerminal(options)))) return true
  if (!hasTerminal(options)) {
    const hint = 'check what would change, then add --yes'
    throw new HostError(`${path} exists, there is no terminal to ask on, and --yes was not given`, hint)
  }
  return askWhether(isNew ? `Write ${path}?` : `Change ${path}?`, options, isNew)
}

/**
 * Writes the file unless somebody else has meanwhile. Locked only here: a question may stay open for hours, and nothing but this
 * is changed. Throws HostError.
 */
const write = ({ options, assessment: { configText }, path }: Run, text: string): Promise<void> =>
  locked(options.root, async () => {
    const config = locate(options)
    if (!(await hasText(config.root, config.path, configText)))
      throw new HostError(`${path} was changed in the meantime`, 'run portward init again')
    await replaceFile(config.root, config.path, text, 0o600)
  })

/** What was answered about each variable: the option, and what was asked otherwise. */
const ANSWERS: ReadonlyMap<string, readonly ['lan' | 'whitelist' | 'untrusted', string]> = new Map([
  ['LAN_IP', ['lan', 'your answer about the LAN']],
  ['LAN_NM', ['lan', 'your answer about the LAN']],
  ['WHITELIST', ['whitelist', 'your answer about what is never banned']],
  ['UNTRUSTED', ['untrusted', 'your answer about what is never banned']],
])

/** Where a problem of `text`, which is not written, comes from: the answer on this line, or else the line itself. */
const answerAt = ({ at }: Problem, text: string, options: InitOptions): Problem['at'] => {
  const line = readConfigLines(text).assignments.find((assignment) => assignment.line === at.line)
  const [option, asked] = ANSWERS.get(line?.name ?? '') ?? []
  if (option === undefined || asked === undefined) return at
  return { path: options[option] === undefined ? asked : `--${option}` }
}

/** A file that cannot be read, or that others than root can change, is not made better by what is written to it. */
const UNUSABLE: ReadonlySet<string> = new Set(['bad-config', 'config-owner', 'config-mode', 'config-place'])

const proposeAndWrite = async (options: InitOptions, answers: Answers, output: Output): Promise<number> => {
  const assessment = await assess(options)
  const config = locate(options)
  const path = join(config.root, config.path)
  const existing = readExisting(assessment.configText ?? '', path)
  const run: Run = { options, output, assessment, path, existing: existing ?? null }
  const { configText, configProblems, unfinished } = assessment
  const [next, again, apply] = ['plan', 'init', 'apply'].map((command) =>
    ['portward', command, ...namingOptions(options)].join(' '),
  )
  const finish = (code: number, content: object, problems: readonly Problem[]): number => {
    output.document('init', {
      root: options.root,
      path,
      written: false,
      ...content,
      problems: problems.map(problemAsJson),
    })
    return code
  }
  const place = options.root === '/' ? await checkPlace(options) : []
  const unusable = [...configProblems.filter(({ code }) => code !== 'config-place'), ...place].filter(
    ({ code }) => UNUSABLE.has(code),
  )
  output.problems([...unfinished, ...unusable])
  if (unusable.length > 0) return finish(EXIT.configuration, {}, unusable)
  const correctFirst = (content: object, problems: readonly Problem[]): number => {
    output.problems(problems)
    output.complain(`portward: ${path} was not written: correct this first`)
    return finish(EXIT.configuration, content, problems)
  }
  if (existing === undefined) return correctFirst({}, configProblems)

  const completed = await complete(run, answers)
  if (completed === null) {
    output.note('nothing was written')
    return finish(EXIT.failed, {}, [])
  }
  if ('missing' in completed) {
    output.complain(describeMissing(completed.missing, completed.proposal))
    return finish(
      EXIT.usage,
      { proposal: proposalAsJson(completed.proposal), missing: completed.missing },
      [],
    )
  }
  const text = configFor(completed, configText, run.existing)
  const judged = assessText(assessment, text, options)
  const { settings } = parseSettings(text, {}, path)
  const problems = judged.problems.filter((problem) => !unfinished.includes(problem))
  const content = {
    proposal: proposalAsJson(completed),
    text: renderText(configText, text),
    summary: judged.plan && summarize(judged.plan),
    next,
  }
  if (settings === null || judged.isConfigurationWrong) {
    const named = problems.map((problem) => ({ ...problem, at: answerAt(problem, text, options) }))
    if (named.every(({ at }, index) => at === problems[index]?.at)) return correctFirst(content, problems)
    output.problems(named)
    output.complain(`portward: ${path} was not written: answer this differently`)
    output.text(`next: ${again}\n`)
    return finish(EXIT.configuration, content, problems)
  }
  output.problems(problems)
  if (!says(settings, completed))
    throw new HostError(`${path} could not be changed as asked`, 'set the variables there by hand')
  if (text === configText) {
    output.text(`${path} says all of this already\n${describePlan(judged, output)}next: ${next}\n`)
    return finish(EXIT.ok, content, problems)
  }
  output.result(`\n${path}:\n${content.text}\n`)
  output.text(describePlan(judged, output))
  if (!(await mayWrite(run))) {
    output.note('nothing was written')
    return finish(EXIT.failed, content, problems)
  }
  await write(run, text)
  output.text(
    `${configText === null ? 'written' : 'changed'}: ${path}\nnext: ${next} (shows what would change), then ${apply}\n`,
  )
  return finish(EXIT.ok, { ...content, written: true }, problems)
}

/** `portward init`: proposes a config.env by what the server shows, asks, and writes it. */
export const initCommand = async (options: InitOptions): Promise<number> => {
  const output = openOutput(options)
  const answers = readAnswers(options)
  if ('faults' in answers) {
    for (const fault of answers.faults) output.complain(`portward: ${fault}`)
    return EXIT.usage
  }
  if (options.root === '/') expectRoot('init')
  return proposeAndWrite(options, answers.value, output)
}

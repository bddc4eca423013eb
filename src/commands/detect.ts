import { assess } from '../assessment/assess.ts'
import type { Configuration } from '../detector/configuration.ts'
import type { Outcome } from '../detector/decision.ts'
import { readDaemons } from '../facts/daemons.ts'
import { actingEffects, watchingEffects } from '../live-detection/effects.ts'
import { type IgnoreSource, openIgnoreList } from '../live-detection/ignore-source.ts'
import { type Ending, type Source, watchSource } from '../live-detection/watch.ts'
import { isError, type Problem } from '../problem.ts'
import { wrap } from '../styled.ts'
import { HostError } from '../system/host-error.ts'
import { SIGNALS } from '../system/signals.ts'
import { type DetectOptions, Misuse, modesFor, readSource } from './detect-options.ts'
import { type Exception, eventAsJson, isImportant, readable, renderEvent } from './detect-report.ts'
import { confOf, judgeIgnoreList, subjectOf, wantedModes } from './detect-subject.ts'
import { createSummary } from './detect-summary.ts'
import { EXIT, type Output, openOutput, problemAsJson, type Terminal } from './output.ts'

/** Commands are run only on this machine, as root, and without portsentry: two detectors would block every host twice. */
const expectMayAct = async (root: string): Promise<void> => {
  if (root !== '/') {
    throw new HostError('the commands of a tree must not be run on this machine', 'add --dry-run')
  }
  if (process.getuid?.() !== 0)
    throw new HostError('blocking hosts needs root', 'run as root, or add --dry-run')
  if ((await readDaemons()).some(({ service }) => service === 'portsentry')) {
    throw new HostError('portsentry is running', 'stop it, or use --dry-run')
  }
}

/** Calls `stop` on a signal or, if there is a `reader`, when it has closed its end; waits for `work`. */
const untilStopped = async <T>(
  reader: Terminal['stdout'] | null,
  stop: () => void,
  work: Promise<T>,
): Promise<T> => {
  for (const signal of SIGNALS) process.once(signal, stop)
  reader?.once('error', stop)
  try {
    return await work
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop)
    reader?.off('error', stop)
  }
}

const reportFailure = (output: Output, source: Source, message: string): void => {
  if (source.kind !== 'pcap') output.complain(`portward: ${message}`)
  else {
    const path = source.path === '-' ? 'standard input' : source.path
    const hint = 'what came before it was read'
    output.problems([{ severity: 'error', code: 'bad-capture', message, hint, at: { path } }])
  }
}

/** Runs a source to its end, reporting each event as it happens, then a summary. */
const detect = async (
  options: DetectOptions,
  output: Output,
  source: Source,
  { configurations, ignore }: { configurations: readonly Configuration[]; ignore: IgnoreSource },
  acts: boolean,
): Promise<number> => {
  const summary = createSummary()
  const detected = (outcome: Outcome, faults: readonly string[]): void => {
    const line = outcome.decision.ignoredByLine
    const exception: Exception | null =
      line === null ? null : { path: ignore.path(), line, text: readable(ignore.line(line)) }
    summary.add(outcome, exception)
    for (const warning of outcome.warnings) output.complain(`${outcome.decision.host}: ${warning}`)
    for (const fault of faults) output.complain(`${outcome.decision.host}: ${fault}`)
    if (options.summary) return
    if (options.json) {
      output.documentLine('detect', { event: 'decision', ...eventAsJson(outcome, exception), faults })
    } else if (!options.quiet || isImportant(outcome)) output.textLine(renderEvent(outcome, exception))
  }
  const { text, document, failure }: Ending = await watchSource(
    {
      root: options.root,
      configurations,
      method: options.method === 'raw' ? 'raw' : 'pcap',
      effects: async (isInUse) => {
        const basis = { configurations, ignore, isInUse, detected }
        return acts ? actingEffects(options.root, basis) : watchingEffects(basis, source.kind !== 'pcap')
      },
      untilStopped: (stop, work) => untilStopped(acts ? null : options.terminal.stdout, stop, work),
      note: output.note,
      stdin: options.terminal.stdin,
    },
    source,
  )
  if (failure !== null) reportFailure(output, source, failure)
  output.documentLine('detect', { event: 'summary', acted: acts, ...summary.asJson(), ...document })
  const found = wrap(`${summary.render()}${text}`, output.screen.columns, 6)
  output.text(`${options.summary ? '' : '\n'}${found}`)
  return failure === null ? EXIT.ok : EXIT.failed
}

const refuse = (output: Output, problems: readonly Problem[], exitCode: number): number => {
  output.problems(problems)
  output.documentLine('detect', { event: 'error', problems: problems.map(problemAsJson) })
  return exitCode
}

const run = async (options: DetectOptions, output: Output): Promise<number> => {
  const source = readSource(options)
  const assessment = await assess(options, { filesOnly: true })
  const { release, releaseProblem } = assessment
  if (release === null) return refuse(output, releaseProblem === null ? [] : [releaseProblem], EXIT.failed)
  const wanted =
    options.mode === undefined
      ? wantedModes(assessment, options, release)
      : { modes: options.mode, problems: [] }
  if (wanted.modes === null) return refuse(output, wanted.problems, EXIT.configuration)
  output.problems(wanted.problems)
  const modes = modesFor(wanted.modes, release.dialect, source, options)
  const conf = confOf(assessment.facts, release)
  const subject = subjectOf(options.root, conf, release, modes)
  const { configurations, ignorePaths, needsIgnoreList } = subject
  const ignore = await openIgnoreList(options.root, ignorePaths, release.dialect, assessment.facts.files)
  const faults = needsIgnoreList ? judgeIgnoreList(ignore.list(), ignore.path()) : []
  const all = [...subject.problems, ...faults]
  if (all.some(isError)) return refuse(output, all, EXIT.failed)
  output.problems(all)
  const acts = source.kind !== 'pcap' && options.dryRun !== true
  if (acts) await expectMayAct(options.root)
  return detect(options, output, source, { configurations, ignore }, acts)
}

/**
 * `portward detect`: what portsentry would notice in live traffic or in a capture, and what it would do; live and
 * without --dry-run it does that. With --json every line is a document, a failure included.
 */
export const detectCommand = async (options: DetectOptions): Promise<number> => {
  const output = openOutput(options)
  try {
    return await run(options, output)
  } catch (error) {
    if (error instanceof Misuse) {
      output.complain(`portward: ${error.message}`)
      output.complain('see portward detect --help')
      return EXIT.usage
    }
    if (!options.json || !(error instanceof HostError)) throw error
    const { message, hint } = error
    output.documentLine('detect', { event: 'error', error: { message, hint } })
    output.complain(`portward: ${message} — ${hint}`)
    return EXIT.failed
  }
}

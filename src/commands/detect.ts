import type { Outcome } from '../detector/decision.ts'
import { HostError } from '../host/host-error.ts'
import { readDaemons } from '../host/processes.ts'
import { actingEffects, watchingEffects } from '../live-detection/effects.ts'
import { type Ending, type Source, watchSource } from '../live-detection/watch.ts'
import { serviceOf } from '../policy/daemons.ts'
import { isError, type Problem } from '../problem.ts'
import { readableJson } from '../readable.ts'
import { assess } from './assess.ts'
import { type DetectOptions, Misuse, modesFor, readSource } from './detect-options.ts'
import { type Exception, eventAsJson, isImportant, readable, renderEvent } from './detect-report.ts'
import { readSubject, type Subject, wantedModes } from './detect-subject.ts'
import { createSummary } from './detect-summary.ts'
import { complain, EXIT, JSON_VERSION, openOutput, problemAsJson } from './output.ts'

/** One document a line, since it is not known how many there will be. */
const writeLine = (event: string, content: object): void => {
  const line = JSON.stringify({ version: JSON_VERSION, command: 'detect', event, ...content })
  process.stdout.write(`${readableJson(line)}\n`)
}

/** Acting is for this machine, as root, and one at a time: two would block every host twice. */
const expectMayAct = async (root: string): Promise<void> => {
  if (root !== '/') {
    throw new HostError('the commands of a tree are not for this machine', 'add --dry-run')
  }
  if (process.getuid?.() !== 0)
    throw new HostError('blocking hosts needs root', 'run as root, or add --dry-run')
  if ((await readDaemons()).some((daemon) => serviceOf(daemon) === 'portsentry')) {
    throw new HostError('portsentry runs', 'stop it, or use --dry-run')
  }
}

/** Lets `work` end in order when a signal says so or, where `forReader`, when the reader has gone. */
const untilStopped = async <T>(forReader: boolean, stop: () => void, work: Promise<T>): Promise<T> => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, stop)
  if (forReader) process.stdout.once('error', stop)
  try {
    return await work
  } finally {
    for (const signal of signals) process.off(signal, stop)
    process.stdout.off('error', stop)
  }
}

const reportFailure = (options: DetectOptions, source: Source, message: string): void => {
  if (source.kind !== 'pcap') complain(`portward: ${message}`)
  else {
    const path = source.path === '-' ? 'standard input' : source.path
    const hint = 'what came before it was read'
    openOutput(options).problems([{ severity: 'error', code: 'bad-capture', message, hint, at: { path } }])
  }
}

/** Runs a source to its end, reporting each event as it happens and then what it all came to. */
const detect = async (
  options: DetectOptions,
  source: Source,
  { configurations, ignore }: Subject,
  acts: boolean,
): Promise<number> => {
  const output = openOutput(options)
  const summary = createSummary()
  const detected = (outcome: Outcome, faults: readonly string[]): void => {
    const line = outcome.decision.ignoredByLine
    const exception: Exception | null =
      line === null ? null : { path: ignore.path(), line, text: readable(ignore.line(line)) }
    summary.add(outcome, exception)
    for (const warning of [...outcome.warnings, ...faults]) complain(`${outcome.decision.host}: ${warning}`)
    if (options.json) writeLine('decision', { ...eventAsJson(outcome, exception), faults })
    else if (!options.quiet || isImportant(outcome)) output.text(renderEvent(outcome, exception))
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
      untilStopped: (stop, work) => untilStopped(!acts, stop, work),
      note: output.note,
    },
    source,
  )
  if (failure !== null) reportFailure(options, source, failure)
  if (options.json) writeLine('summary', { acted: acts, ...summary.asJson(), ...document })
  else output.text(`\n${summary.render()}${text}`)
  return failure === null ? EXIT.ok : EXIT.failed
}

const refuse = (options: DetectOptions, problems: readonly Problem[], exitCode: number): number => {
  openOutput(options).problems(problems)
  if (options.json) writeLine('error', { problems: problems.map(problemAsJson) })
  return exitCode
}

const run = async (options: DetectOptions): Promise<number> => {
  const output = openOutput(options)
  const source = readSource(options)
  const assessment = await assess(options, { filesOnly: true })
  const { release, releaseProblem } = assessment
  if (release === null) return refuse(options, releaseProblem === null ? [] : [releaseProblem], EXIT.failed)
  const wanted =
    options.mode === undefined
      ? wantedModes(assessment, options, release)
      : { modes: options.mode, problems: [] }
  if (wanted.modes === null) return refuse(options, wanted.problems, EXIT.configuration)
  output.problems(wanted.problems)
  const modes = modesFor(wanted.modes, release.dialect, source, options)
  const subject = await readSubject(options.root, release, modes)
  if (subject.problems.some(isError)) return refuse(options, subject.problems, EXIT.failed)
  output.problems(subject.problems)
  const acts = source.kind !== 'pcap' && options.dryRun !== true
  if (acts) await expectMayAct(options.root)
  return detect(options, source, subject, acts)
}

/**
 * `portward detect`: what portsentry would notice in live traffic or in a capture, and what it would do; live and
 * without --dry-run it does that. With --json every line is a document of its own, the last word of a failure too.
 */
export const detectCommand = async (options: DetectOptions): Promise<number> => {
  try {
    return await run(options)
  } catch (error) {
    if (error instanceof Misuse) {
      complain(`error: ${error.message}`)
      return EXIT.usage
    }
    if (!options.json || !(error instanceof HostError)) throw error
    const { message, hint } = error
    writeLine('error', { error: { message, hint } })
    complain(`portward: ${message} — ${hint}`)
    return EXIT.failed
  }
}

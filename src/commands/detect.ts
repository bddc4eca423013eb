import type { Outcome } from '../detector/decision.ts'
import { HostError } from '../host/host-error.ts'
import { readDaemons } from '../host/processes.ts'
import { actingEffects, watchingEffects } from '../live-detection/effects.ts'
import { serviceOf } from '../policy/daemons.ts'
import { isError, type Problem } from '../problem.ts'
import { readableJson } from '../readable.ts'
import { assess } from './assess.ts'
import {
  checkTogether,
  type DetectOptions,
  type Misuse,
  readModes,
  readSource,
  type Source,
} from './detect-options.ts'
import { type Exception, eventAsJson, isMomentous, readable, renderEvent } from './detect-report.ts'
import { runSource, type Session } from './detect-run.ts'
import { readSubject, type Subject, wantedModes } from './detect-subject.ts'
import { createSummary } from './detect-summary.ts'
import { complain, EXIT, JSON_VERSION, openOutput, problemAsJson } from './output.ts'

/** One document a line, since nobody knows how many there will be. */
const writeLine = (event: string, content: object): void => {
  const line = JSON.stringify({ version: JSON_VERSION, command: 'detect', event, ...content })
  process.stdout.write(`${readableJson(line)}\n`)
}

const misused = ({ misuse }: Misuse): number => {
  complain(`error: ${misuse}`)
  return EXIT.usage
}

/** Who acts does so on this machine, as root, and alone: two would block every host twice. */
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

/** Runs a source to its end, telling each event as it happens and then what it all came to. */
const detect = async (
  options: DetectOptions,
  source: Source,
  { configurations, ignore }: Subject,
  acts: boolean,
): Promise<number> => {
  const output = openOutput(options)
  const summary = createSummary()
  const told = (settled: Outcome, faults: readonly string[]): void => {
    const line = settled.decision.ignoredByLine
    const exception: Exception | null =
      line === null ? null : { path: ignore.path(), line, text: readable(ignore.line(line)) }
    summary.add(settled, exception)
    const warnings = [...settled.warnings, ...faults]
    for (const remark of warnings) complain(`${settled.decision.host}: ${remark}`)
    if (options.json) writeLine('decision', { ...eventAsJson(settled, exception), faults })
    else if (!options.quiet || isMomentous(settled)) output.text(renderEvent(settled, exception))
  }
  const session: Session = {
    options,
    acts,
    configurations,
    note: output.note,
    effects: async (asked) => {
      const basis = { configurations, ignore, isInUse: asked, told }
      return acts ? actingEffects(options.root, basis) : watchingEffects(basis, source.kind !== 'pcap')
    },
  }
  const ending = await runSource(session, source)
  if (options.json) writeLine('summary', { acted: acts, ...summary.asJson(), ...ending.document })
  else output.text(`\n${summary.render()}${ending.text}`)
  return ending.failed ? EXIT.failed : EXIT.ok
}

const refuse = (options: DetectOptions, problems: readonly Problem[], exitCode: number): number => {
  openOutput(options).problems(problems)
  if (options.json) writeLine('error', { problems: problems.map(problemAsJson) })
  return exitCode
}

const run = async (options: DetectOptions): Promise<number> => {
  const output = openOutput(options)
  const source = readSource(options)
  if ('misuse' in source) return misused(source)
  const assessment = await assess(options, { filesOnly: true })
  const { release, releaseProblem } = assessment
  if (release === null) return refuse(options, releaseProblem === null ? [] : [releaseProblem], EXIT.failed)
  const wanted =
    options.mode === undefined
      ? wantedModes(assessment, options, release)
      : { modes: options.mode, problems: [] }
  if (wanted.modes === null) return refuse(options, wanted.problems, EXIT.configuration)
  output.problems(wanted.problems)
  const modes = readModes(wanted.modes, release.dialect)
  if ('misuse' in modes) return misused(modes)
  const misuse = checkTogether(source, modes, options)
  if (misuse !== null) return misused(misuse)
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
    if (!options.json || !(error instanceof HostError)) throw error
    const { message, hint } = error
    writeLine('error', { error: { message, hint } })
    complain(`portward: ${message} — ${hint}`)
    return EXIT.failed
  }
}

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Assessment, assess } from '../assessment/assess.ts'
import { banHosts, type NewBan } from '../bans/ban-hosts.ts'
import { banTimeInWords } from '../plan/phrases.ts'
import { type BanList, parseBanList, reasonOf, type WantedBan } from '../policy/ban-list.ts'
import { type BanDecision, decideBans, longestKept, refusalBy, whyNoBans } from '../policy/ban-requests.ts'
import { protectionBy } from '../policy/protection.ts'
import { HostError } from '../system/host-error.ts'
import { endOrNever } from '../time.ts'
import { banLine, banSummary, countOutcomes, decisionAsJson } from './ban-text.ts'
import { expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, exitOver, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'

export interface BanOptions extends GlobalOptions {
  readonly file?: string
  /** In milliseconds; Infinity: permanently. */
  readonly for?: number
  readonly reason?: string
  readonly dryRun?: boolean
}

const readList = async (file: string, { stdin }: GlobalOptions['terminal']): Promise<string> => {
  if (file !== '-')
    return readFile(resolve(file), 'utf8').catch((error: unknown) => {
      throw new HostError(
        `cannot read ${file}: ${error instanceof Error ? error.message : error}`,
        'name another file',
        {
          cause: error,
        },
      )
    })
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/** When a ban of that length, which begins now, ends. */
const endOf = (lengthMs: number | undefined): WantedBan['untilMs'] => {
  if (lengthMs === undefined) return undefined
  return endOrNever(Date.now() + lengthMs)
}

/** The bans that the command line asks for. */
const wantedBans = async (options: BanOptions, addresses: readonly string[]): Promise<BanList> => {
  const { file, terminal } = options
  const untilMs = endOf(options.for)
  const reason = options.reason === undefined ? null : reasonOf(options.reason)
  if (file !== undefined)
    return parseBanList(await readList(file, terminal), file === '-' ? 'standard input' : file, {
      untilMs,
      reason,
    })
  const bans = addresses.map((address): WantedBan => {
    return { address, untilMs, note: { reason, from: null }, leftOut: null }
  })
  return { bans, problems: [] }
}

const secondsLeft = (untilMs: WantedBan['untilMs']): number | null => {
  if (untilMs === undefined) return null
  return untilMs === null ? -1 : Math.max(1, Math.round((untilMs - Date.now()) / 1000))
}

const isNew = ({ outcome }: BanDecision): boolean => outcome === 'banned' || outcome === 'prolonged'

/** Makes the bans that were decided on, and returns what became of each. Throws HostError. */
const carryOut = async (decisions: readonly BanDecision[]): Promise<BanDecision[]> => {
  const bans = decisions.filter(isNew).map(({ wanted: { address, untilMs, note } }): NewBan => {
    return { address, seconds: secondsLeft(untilMs), note }
  })
  if (bans.length === 0) return [...decisions]
  const { jailed, notInForce, over } = await banHosts(bans)
  return decisions.map((decision) => {
    if (!isNew(decision)) return decision
    const { address } = decision.wanted
    if (over.has(address)) return decision
    const held = jailed.get(address)
    if (held === undefined)
      return { ...decision, outcome: 'failed', why: 'fail2ban has not banned it: see journalctl -u fail2ban' }
    if (notInForce.has(address))
      return {
        ...decision,
        outcome: 'failed',
        why: 'fail2ban has banned it, but the kernel does not have it: portward apply',
      }
    return { ...decision, untilMs: held.untilMs }
  })
}

type Assessed = Assessment & { readonly settings: NonNullable<Assessment['settings']> }

/** Whether these bans can be decided on. Throws HostError if this server cannot ban. */
const expectBans = (assessment: Assessment): assessment is Assessed => {
  const { settings, desired, facts } = assessment
  if (settings === null || desired === null || facts.live === null) return false
  const obstacle = whyNoBans(settings, facts.live)
  if (obstacle !== null) throw new HostError(obstacle.message, obstacle.hint)
  return true
}

/** What has to be known about bans that were made. */
const notesOn = ({ settings }: Assessed, decisions: readonly BanDecision[], nowMs: number): string[] => {
  const kept = longestKept(settings)
  if (kept === null) return []
  const isTooLong = ({ untilMs }: BanDecision) =>
    untilMs === null || (untilMs !== undefined && untilMs > nowMs + (kept.seconds + 60) * 1000)
  const count = decisions.filter((one) => isNew(one) && isTooLong(one)).length
  if (count === 0) return []
  const most = banTimeInWords(kept.seconds).replace('for ', '')
  return [
    `${count === 1 ? 'a ban is' : `${count} bans are`} longer than ${kept.variable} (${most}): when fail2ban restarts, it cuts that down to ${most}`,
  ]
}

const banLocked = async (
  options: BanOptions,
  bans: readonly WantedBan[],
  output: Output,
): Promise<number> => {
  const assessment = await assess(options)
  if (!expectBans(assessment)) {
    output.problems(assessment.problems)
    output.document('ban', { problems: assessment.problems.map(problemAsJson) })
    return exitOver(assessment)
  }
  const isDryRun = options.dryRun === true
  const { facts } = assessment
  const nowMs = Date.now()
  const refusal = refusalBy(protectionBy(assessment), facts)
  const decided = decideBans(bans, facts.live?.jailed ?? [], refusal, nowMs)
  const decisions = isDryRun ? decided : await carryOut(decided)
  const notes = notesOn(assessment, decisions, nowMs)
  for (const decision of decisions) output.textLine(banLine(decision, isDryRun))
  output.text(banSummary(decisions))
  for (const note of notes) output.note(note)
  const content = {
    dryRun: isDryRun,
    changed: decisions.some(isNew),
    counts: countOutcomes(decisions),
    notes,
    problems: [],
  }
  output.document('ban', content, { name: 'addresses', items: decisions, asJson: decisionAsJson })
  const isIncomplete = decisions.some(({ outcome }) => outcome === 'refused' || outcome === 'failed')
  return isIncomplete ? EXIT.failed : EXIT.ok
}

/**
 * `portward ban ADDR…`, `portward ban --file LIST`: bans hosts by fail2ban's portsentry jail, each until its end. A protected host
 * is refused, and the others are banned; the exit code is 1 then. `addresses` are canonical, without duplicates.
 */
export const banCommand = async (options: BanOptions, addresses: readonly string[]): Promise<number> => {
  expectRoot('ban')
  const output = openOutput(options)
  const { bans, problems } = await wantedBans(options, addresses)
  if (problems.length > 0) {
    output.problems(problems)
    output.document('ban', { problems: problems.map(problemAsJson) })
    return EXIT.failed
  }
  if (options.dryRun) return banLocked(options, bans, output)
  return locked(options.root, async () => {
    await recoverFirst(output)
    return banLocked(options, bans, output)
  })
}

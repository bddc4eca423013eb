import { hostname } from 'node:os'
import { type Assessment, assess } from '../assessment/assess.ts'
import { type BansRead, type HistoryRead, readBans } from '../bans/read-bans.ts'
import type { HistoryEvent } from '../detector/history-reader.ts'
import { type BanRow, judgeBans, type StoreReading } from '../policy/banned.ts'
import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { describeProtector, type Protection, protectionBy } from '../policy/protection.ts'
import { banAsJson, notesOn, renderBanTable, storesAsJson } from './ban-table.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

/** The banned hosts of an assessed server or tree, and which hosts are protected. */
export interface Bans extends BansRead {
  readonly rows: readonly BanRow[]
  /** The events of the history that count as scans; null where it could not be read. */
  readonly scans: readonly HistoryEvent[] | null
  readonly protection: Protection
}

const bansIn = (reading: StoreReading, address: string): StoreReading => {
  return { ...reading, bans: reading.bans.filter((ban) => ban.address === address) }
}

/** All bans, or those of one address. `history`: where it was read already. */
export const bansOf = async (
  assessment: Assessment,
  { only, history }: { readonly only?: string; readonly history?: HistoryRead } = {},
): Promise<Bans> => {
  const read = await readBans(assessment, history)
  const protection = protectionBy(assessment)
  const scans = read.history?.filter(({ isCounted }) => isCounted) ?? null
  const stores = only === undefined ? read.stores : read.stores.map((store) => bansIn(store, only))
  const rows = judgeBans(stores, scans, (address) => {
    const [first] = protection.of(address)
    return first === undefined ? null : describeProtector(first)
  })
  return { ...read, rows, scans, protection }
}

/** `portward bans`: every banned host, with what detected it, since when, until when, and where it is banned. */
export const bansCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options, { namesAsRecorded: true })
  const { pending } = assessment
  const bans = await bansOf(assessment)
  const { unknown } = bans.protection
  const notes = [
    ...notesOn(bans),
    ...(unknown === null ? [] : [`cannot determine protected hosts: ${unknown}`]),
  ]
  if (pending !== null) output.problems([pendingProblem(pending)])
  output.text(renderBanTable(bans.rows, bans.stores, output.screen.columns))
  for (const note of notes) output.note(note)
  const content = {
    root: options.root,
    // Whoever takes these bans over records where they come from. Those of a tree are another host's.
    host: options.root === '/' ? hostname() : null,
    stores: storesAsJson(bans.stores),
    notes,
    confirmation: pendingAsJson(pending),
    problems: (assessment.settings === null ? assessment.problems : []).map(problemAsJson),
  }
  output.document('bans', content, { name: 'bans', items: bans.rows, asJson: banAsJson })
  return EXIT.ok
}

import { assess } from '../assessment/assess.ts'
import { readBans } from '../bans/read-bans.ts'
import { releaseHosts } from '../bans/release-hosts.ts'
import { type BanStore, type StoreReading, storesIn } from '../policy/banned.ts'
import type { Problem } from '../problem.ts'
import { styled } from '../styled.ts'
import type { HostError } from '../system/host-error.ts'
import { namesOf, notesOn } from './ban-table.ts'
import { expectRoot, locked, recoverFirst } from './locked.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'

type Readings = readonly StoreReading[]

const notReleased = (store: BanStore, { message, hint }: HostError): Problem => ({
  severity: 'error',
  code: 'not-released',
  message,
  hint,
  at: { path: namesOf([store]) },
})

interface Release {
  readonly address: string
  readonly released: readonly BanStore[]
  /** Where it is still banned, or again. */
  readonly left: readonly BanStore[]
  /** Stores where it was banned and that could not be read again. */
  readonly unsure: readonly BanStore[]
}

const storesWith = (readings: Readings, address: string): BanStore[] =>
  readings.filter(({ bans }) => bans.some((ban) => ban.address === address)).map(({ store }) => store)

/** Only stores that could be read afterwards count as released. */
export const compare = (address: string, before: Readings, after: Readings): Release => {
  const left = storesWith(after, address)
  const cleared = storesWith(before, address).filter((store) => !left.includes(store))
  const isRead = (store: BanStore) => storesIn(after, 'read').includes(store)
  return {
    address,
    released: cleared.filter(isRead),
    left,
    unsure: cleared.filter((store) => !isRead(store)),
  }
}

/** For a host that was not banned in any store that was read. */
const describeNone = (before: Readings): string => {
  if (before.every(({ state }) => state === 'read')) return 'was not banned'
  const [read, unread] = (['read', 'incomplete'] as const).map((state) => namesOf(storesIn(before, state)))
  return `no ban found${read === '' ? '' : ` in ${read}`}${unread === '' ? '' : `; not read: ${unread}`}`
}

const describe = ({ address, released, left, unsure }: Release, before: Readings): string => {
  const isKept = left.length + unsure.length > 0
  const was =
    released.length > 0
      ? `released from ${namesOf(released)}`
      : isKept
        ? 'not released'
        : describeNone(before)
  const still = [
    left.length === 0 ? '' : `; ${styled('red', 'STILL BANNED, OR AGAIN,')} in ${namesOf(left)}`,
    unsure.length === 0 ? '' : `; whether ${namesOf(unsure)} still has it could not be checked`,
  ].join('')
  return `${address}: ${was}${still}\n`
}

const LEFT_HINT = 'it has scanned again, or something else bans it: see portward explain ADDRESS'

const unbanLocked = async (
  options: GlobalOptions,
  addresses: readonly string[],
  output: Output,
): Promise<number> => {
  const { root } = options
  const before = await readBans(await assess(options, { namesAsRecorded: true }))
  const { notes, failures } = await releaseHosts(before, new Set(addresses))
  const after = await readBans(await assess(options, { namesAsRecorded: true }))
  const releases = addresses.map((address) => compare(address, before.stores, after.stores))
  const problems = failures.map(({ store, error }) => notReleased(store, error))
  for (const one of releases) output.text(describe(one, before.stores))
  for (const note of notes) output.text(`${note}\n`)
  const isLeft = releases.some(({ left }) => left.length > 0)
  if (isLeft && problems.length === 0) output.note(LEFT_HINT)
  if (root === '/') for (const note of notesOn({ ...before, historyUnread: '' })) output.note(note)
  output.problems(problems)
  output.document('unban', { root, addresses: releases, notes, problems: problems.map(problemAsJson) })
  const isUnsure = releases.some(({ unsure }) => unsure.length > 0)
  return isLeft || isUnsure || problems.length > 0 ? EXIT.failed : EXIT.ok
}

/**
 * `portward unban ADDR…`: releases hosts wherever they are banned. If a store fails, the others are still released, the exit
 * code is 1, and running it again is safe. `addresses` are canonical, without duplicates.
 */
export const unbanCommand = async (options: GlobalOptions, addresses: readonly string[]): Promise<number> => {
  const { root } = options
  if (root === '/') expectRoot('unban')
  const output = openOutput(options)
  return locked(root, async () => {
    if (root === '/') await recoverFirst(output)
    return unbanLocked(options, addresses, output)
  })
}

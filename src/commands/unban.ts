import { HostError } from '../host/host-error.ts'
import { takeLock } from '../host/lock.ts'
import { openPlaces } from '../host/places/open-places.ts'
import type { BanPlace } from '../host/places/place.ts'
import { vantageOf } from '../host/places/vantage.ts'
import { isRead, type PlaceName, type PlaceReading, unreadPlaces } from '../policy/ban-view.ts'
import type { Problem } from '../problem.ts'
import { assess } from './assess.ts'
import { PLACE_TITLES, remarksOn, titlesOf } from './ban-table.ts'
import { recoverFirst } from './locked.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, problemAsJson } from './output.ts'

type Reading = readonly PlaceReading[]

const readAll = (places: readonly BanPlace[]): Promise<Reading> =>
  Promise.all(places.map(({ read }) => read()))

const placesWith = (readings: Reading, address: string): PlaceName[] =>
  readings.filter(({ bans }) => bans?.some((ban) => ban.address === address)).map(({ place }) => place)

const notReleased = (place: PlaceName, { message, hint }: Pick<HostError, 'message' | 'hint'>): Problem => ({
  severity: 'error',
  code: 'not-released',
  message,
  hint,
  at: { path: PLACE_TITLES[place] },
})

interface Outcome {
  readonly remarks: readonly string[]
  readonly problems: readonly Problem[]
}

/** One place that fails keeps nobody from being released at the others. */
const releaseAll = async (places: readonly BanPlace[], hosts: ReadonlySet<string>): Promise<Outcome> => {
  const remarks: string[] = []
  const problems: Problem[] = []
  for (const place of places) {
    try {
      remarks.push(...(await place.release(hosts)).remarks)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      problems.push(notReleased(place.name, error))
    }
  }
  return { remarks, problems }
}

interface Release {
  readonly address: string
  readonly released: readonly PlaceName[]
  /** Where it is after all. */
  readonly left: readonly PlaceName[]
  /** Where it was, but which could not be read again. */
  readonly unsure: readonly PlaceName[]
}

/** What is so of a host in no place that was read. */
const describeNowhere = (before: Reading): string => {
  if (before.every(isRead)) return 'was banned nowhere'
  const [read, unread] = [before.filter(isRead), unreadPlaces(before)].map((readings) =>
    titlesOf(readings.map(({ place }) => place)),
  )
  return [
    `no ban found${read === '' ? '' : ` in ${read}`}`,
    ...(unread === '' ? [] : [`not read: ${unread}`]),
  ].join('; ')
}

const describe = ({ address, released, left, unsure }: Release, nowhere: string): string => {
  const was = released.length === 0 ? nowhere : `released from ${titlesOf(released)}`
  const still = [
    left.length === 0 ? '' : `; IS STILL, OR AGAIN, in ${titlesOf(left)}`,
    unsure.length === 0 ? '' : `; whether it still is in ${titlesOf(unsure)} is not known`,
  ].join('')
  return `${address}: ${released.length === 0 && left.length + unsure.length > 0 ? 'not released' : was}${still}\n`
}

export const compare = (
  was: readonly PlaceName[],
  left: readonly PlaceName[],
  after: Reading,
): Omit<Release, 'address'> => {
  const gone = was.filter((place) => !left.includes(place))
  const isSeen = (name: PlaceName) => after.some((reading) => reading.place === name && isRead(reading))
  return { released: gone.filter(isSeen), left, unsure: gone.filter((place) => !isSeen(place)) }
}

const LEFT_HINT = 'it has scanned again meanwhile, or something else bans it: see portward explain ADDRESS'

const unbanLocked = async (
  options: GlobalOptions,
  addresses: readonly string[],
  output: Output,
): Promise<number> => {
  const { root } = options
  const places = openPlaces(vantageOf(await assess(options)))
  const before = await readAll(places)
  const { remarks, problems } = await releaseAll(places, new Set(addresses))
  const after = await readAll(places)
  const releases = addresses.map((address): Release => {
    return { address, ...compare(placesWith(before, address), placesWith(after, address), after) }
  })
  const nowhere = describeNowhere(before)
  for (const one of releases) output.text(describe(one, nowhere))
  for (const remark of remarks) output.text(`${remark}\n`)
  const isLeft = releases.some(({ left }) => left.length > 0)
  if (isLeft && problems.length === 0) output.note(LEFT_HINT)
  if (root === '/') for (const remark of remarksOn(before)) output.note(remark)
  output.problems(problems)
  output.document('unban', { root, addresses: releases, remarks, problems: problems.map(problemAsJson) })
  const isUnsure = releases.some(({ unsure }) => unsure.length > 0)
  return isLeft || isUnsure || problems.length > 0 ? EXIT.failed : EXIT.ok
}

/**
 * `portward unban ADDR…`: lets go of hosts wherever they are banned. What can be released is, even where a place fails;
 * then the exit code is 1, and running it again is safe. `addresses` are canonical, each once.
 */
export const unbanCommand = async (options: GlobalOptions, addresses: readonly string[]): Promise<number> => {
  const { root } = options
  if (root === '/' && process.getuid?.() !== 0) throw new HostError('unban must be run as root', 'use sudo')
  const output = openOutput(options)
  const lock = await takeLock(root)
  try {
    if (root === '/') await recoverFirst(output)
    return await unbanLocked(options, addresses, output)
  } finally {
    await lock.release()
  }
}

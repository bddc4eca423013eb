import { parentPort, workerData } from 'node:worker_threads'
import { GENERAL, MOST_GROWTH, READERS } from './readers.ts'

// Has one reader read a long run of each piece, and reports how its processor time grows with the length.

const [SMALL, LARGE] = [1500, 12_000]
/** Microseconds. What takes less for the large text is not worth a comparison. */
const NEGLIGIBLE = 15_000

/** What is sent before each piece is read, and again once its growth is known. */
export interface Report {
  readonly piece: string
  /** By how many times longer it takes for a text that is eight times as long; null where it has just begun. */
  readonly growth: number | null
}

/**
 * Many lines, or one long line that goes on behind the run, so that no reader can stop at its end. An even number of pieces:
 * a quote that only the shorter text leaves open would have a reader stop there.
 */
const hostile = (piece: string, size: number): string => {
  const run = piece.repeat(2 * Math.floor(size / piece.length / 2))
  return piece.includes('\n') ? run : `A=x${run}x\n`
}

const send = (report: Report): void => parentPort?.postMessage(report)

const reader = READERS.find(({ of }) => of === workerData)
if (reader === undefined) throw new Error(`no reader of ${workerData}`)

const cost = (text: string): number => {
  const before = process.cpuUsage()
  reader.read(text)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The compiler, the garbage collector and a busy machine add time now and then, never take any off: the least counts. */
const growthOf = (piece: string): number => {
  const [small, large] = [hostile(piece, SMALL), hostile(piece, LARGE)]
  reader.read(small)
  let [leastSmall, leastLarge] = [cost(small), cost(large)]
  if (leastLarge < NEGLIGIBLE || reader.quadratic?.test(piece)) return 0
  for (let times = 1; leastLarge > MOST_GROWTH * leastSmall && times < 20; times += 1) {
    leastSmall = Math.min(leastSmall, cost(small))
    leastLarge = Math.min(leastLarge, cost(large))
  }
  return leastLarge / leastSmall
}

for (const piece of [...GENERAL, ...reader.pieces]) {
  send({ piece, growth: null })
  send({ piece, growth: growthOf(piece) })
}

/** A part of a text, in whole lines. */
interface Part {
  readonly from: number
  readonly to: number
}

/** A part of a text and what it becomes. Around it, at least so many lines are the same: see `changedRegions`. */
export interface Region {
  readonly before: Part
  readonly after: Part
}

/** Characters of a part that can be compared line by line. */
const SMALL = 2 ** 16
/** Lines that are looked for in both texts: more than the context of two hunks. */
const ANCHOR = 16
/** Where to look for them in a part. */
const PLACES = [0.5, 0.25, 0.75, 0.1, 0.9]

/** The greatest length, up to `most`, for which two texts are the same; compared block by block, not by characters. */
const sameLength = (most: number, isSame: (from: number, to: number) => boolean): number => {
  let known = 0
  for (let step = most; step > 0; ) {
    if (known + step <= most && isSame(known, known + step)) known += step
    else step = Math.floor(step / 2)
  }
  return known
}

/** The start of the line that `at` is in, or at the start of. */
export const lineStart = (text: string, at: number): number =>
  at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1

/** Leaves out the lines at both ends that are the same. */
const trimmed = (one: string, other: string, { before, after }: Region): Region => {
  const most = Math.min(before.to - before.from, after.to - after.from)
  const start = sameLength(
    most,
    (from, to) =>
      one.slice(before.from + from, before.from + to) === other.slice(after.from + from, after.from + to),
  )
  const isWhole = start === before.to - before.from && start === after.to - after.from
  const ahead = isWhole ? start : Math.max(0, lineStart(one, before.from + start) - before.from)
  const end = sameLength(
    most - ahead,
    (from, to) => one.slice(before.to - to, before.to - from) === other.slice(after.to - to, after.to - from),
  )
  const isLine = (text: string, at: number) => at === 0 || text[at - 1] === '\n'
  const isAtLine = isLine(one, before.to - end) && isLine(other, after.to - end)
  const next = isAtLine ? before.to - end : one.indexOf('\n', before.to - end) + 1
  const behind = next === 0 ? 0 : Math.max(0, before.to - next)
  return {
    before: { from: before.from + ahead, to: before.to - behind },
    after: { from: after.from + ahead, to: after.to - behind },
  }
}

/** Two parts of the region that are the same, where both texts have some lines once; null where none are found. */
const findAnchor = (one: string, other: string, { before, after }: Region): [number, number] | null => {
  const [old, now] = [one.slice(before.from, before.to), other.slice(after.from, after.to)]
  for (const place of PLACES) {
    const from = lineStart(old, Math.floor(old.length * place))
    let to = from
    for (let line = 0; line < ANCHOR && to !== 0; line += 1) to = old.indexOf('\n', to) + 1
    const anchor = old.slice(from, to)
    const found = anchor === '' ? -1 : now.indexOf(anchor)
    const isUnique = now.indexOf(anchor, found + 1) === -1 && old.indexOf(anchor) === from
    if (found !== -1 && isUnique && lineStart(now, found) === found)
      return [before.from + from, after.from + found]
  }
  return null
}

/**
 * The parts of a text that differ from another one, in order and few lines each, if both have the rest in common: the time is
 * that of a few comparisons of both texts. Between two regions, 16 lines or more are the same.
 */
export function* changedRegions(
  one: string,
  other: string,
  within: Region = { before: { from: 0, to: one.length }, after: { from: 0, to: other.length } },
): Generator<Region> {
  const region = trimmed(one, other, within)
  const { before, after } = region
  if (before.from === before.to && after.from === after.to) return
  const isSmall = Math.min(before.to - before.from, after.to - after.from) <= SMALL
  const anchor = isSmall ? null : findAnchor(one, other, region)
  if (anchor === null) {
    yield region
    return
  }
  const [old, now] = anchor
  yield* changedRegions(one, other, {
    before: { from: before.from, to: old },
    after: { from: after.from, to: now },
  })
  yield* changedRegions(one, other, {
    before: { from: old, to: before.to },
    after: { from: now, to: after.to },
  })
}

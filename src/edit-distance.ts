/** Number of single-character edits between two words (Levenshtein). */
export const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** The words that were probably meant, the nearest ones only: at most two edits away, and at most half of the word. */
export const nearest = (word: string, candidates: readonly string[]): string[] => {
  const typed = word.slice(0, 40).toLowerCase()
  const ranked = candidates.map((candidate) => ({ candidate, edits: editDistance(typed, candidate) }))
  const best = Math.min(...ranked.map(({ edits }) => edits))
  return best > 2 || best * 2 > typed.length
    ? []
    : ranked.filter(({ edits }) => edits === best).map(({ candidate }) => candidate)
}

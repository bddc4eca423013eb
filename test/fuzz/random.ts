/** A source of chances that gives the same ones for the same seed. */
export interface Random {
  /** A whole number from 0 up to and without `end`. */
  readonly below: (end: number) => number
  readonly pick: <T>(list: readonly T[]) => T
  /** True once in so many times. */
  readonly oneIn: (count: number) => boolean
}

/** PORTWARD_FUZZ_SEED repeats or varies a run. */
export const SEED = Number(process.env['PORTWARD_FUZZ_SEED'] ?? 20_261_121)

/** Marsaglia's xorshift with 32 bits of state. */
export const createRandom = (seed: number): Random => {
  let state = seed | 0 || 1
  const below = (end: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % end
  }
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new Error('nothing to pick from')
    return list[below(list.length)] as T
  }
  return { below, pick, oneIn: (count) => below(count) === 0 }
}

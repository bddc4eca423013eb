const INT_BITS = 32
const LONG_MAX = 2n ** 63n - 1n

/** What strtol() reads at the start of a text: blanks, a sign, decimal digits; saturated to a 64-bit long. */
const leadingLong = (text: string): { value: bigint; rest: string } | null => {
  const found = /^[ \t\n\v\f\r]*([+-]?)(\d+)/.exec(text)
  if (found === null) return null
  const [whole, sign, digits = ''] = found
  const size = BigInt(digits)
  const value = sign === '-' ? -size : size
  const saturated = value > LONG_MAX ? LONG_MAX : value < -LONG_MAX - 1n ? -LONG_MAX - 1n : value
  return { value: saturated, rest: text.slice(whole.length) }
}

/** atoi() of glibc: 0 if it is not a number; the upper bits are lost if it does not fit an int. */
export const atoi = (text: string): number => Number(BigInt.asIntN(INT_BITS, leadingLong(text)?.value ?? 0n))

/** A number as portsentry 2.x reads it (GetLong in util.c): null if anything follows it, or if it is out of range. */
export const wholeLong = (text: string): bigint | null => {
  const read = leadingLong(text)
  const fits = read !== null && read.value < LONG_MAX && read.value > -LONG_MAX - 1n
  return fits && read.rest === '' ? read.value : null
}

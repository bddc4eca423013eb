import { DOTTED_QUAD, formatAddress, isHost, isIPv4, type Network, networkOf, unmapped } from '../network.ts'

/**
 * Addresses that have nothing to do with some networks, as sources of regular expressions: with them a reader passes over the
 * bulk of a long list, many lines at once, without an object for each. What they do not match has to be read.
 */
export interface OtherAddresses {
  /** What they have nothing to do with. */
  readonly networks: readonly Network[]
  /** Of a shorter text each line is read: the regular expressions take longer to compile. */
  readonly shortest: number
  /** A dotted address. */
  readonly host: () => string
  /** To be put in front of a dotted network or its first octets: if it is true, 16 bits or more make it another network. */
  readonly notTheirs: () => string
}

/** Characters: some thousand lines. */
const SHORTEST = 50_000

/** A regular expression grows with its alternatives; of a longer list only the first octets count. */
const MOST = 300

/** Prefixes of the texts of all addresses of an IPv4 network: up to 256. */
export const leadingTexts = (network: Network): string[] => {
  const { bytes, prefix } = networkOf(network)
  if (prefix === 32) return [formatAddress(bytes)]
  const fixed = Math.floor(prefix / 8)
  const head = bytes.slice(0, fixed).map((byte) => `${byte}.`)
  const alternatives = Array.from({ length: 2 ** (8 - (prefix % 8)) }, (_, index) => index)
  return alternatives.map((index) => `${head.join('')}${(bytes[fixed] ?? 0) + index}${fixed < 3 ? '.' : ''}`)
}

/** Nothing that begins with one of these texts. */
const notBeginning = (texts: readonly string[], octets = 4): string => {
  const begins = new Set(texts.map((text) => text.split(/(?<=\.)/, octets).join('')))
  if (begins.size > MOST) return notBeginning(texts, octets - 1)
  return begins.size === 0 ? '' : `(?!${[...begins].sort().join('|').replaceAll('.', '\\.')})`
}

const otherThan = (
  given: readonly Network[],
  isHostOf: (network: Network) => boolean,
  shortest: number,
): OtherAddresses => {
  const networks = given.flatMap((network) => [network, unmapped(network)])
  const dotted = networks.filter(isIPv4)
  return {
    networks,
    shortest,
    host: () => notBeginning(dotted.filter(isHostOf).flatMap(leadingTexts)) + DOTTED_QUAD,
    notTheirs: () => {
      const wide = dotted.filter(({ prefix }) => prefix >= 16)
      return notBeginning(wide.map(({ bytes: [first, second] }) => `${first}.${second}.`))
    },
  }
}

/** Addresses and networks that contain none of the networks. */
export const notContaining = (networks: readonly Network[], shortest = SHORTEST): OtherAddresses =>
  otherThan(networks, isHost, shortest)

/** Addresses in none of the networks. */
export const notWithin = (networks: readonly Network[], shortest = SHORTEST): OtherAddresses =>
  otherThan(networks, () => true, shortest)

/**
 * From the start of a line, the offset of the next one that has to be read. `line` makes the source of a regular expression for
 * a line that is passed over, with its line ending.
 */
export const createSkip = (
  text: string,
  others: OtherAddresses | undefined,
  line: (others: OtherAddresses) => string,
): ((offset: number) => number) => {
  if (others === undefined || text.length < others.shortest) return (offset) => offset
  // Not any number of lines: each takes a part of the stack.
  const lines = new RegExp(`(?:${line(others)}){0,1000}`, 'y')
  return (offset) => {
    for (let from = offset; ; from = lines.lastIndex) {
      lines.lastIndex = from
      lines.test(text)
      if (lines.lastIndex === from) return from
    }
  }
}

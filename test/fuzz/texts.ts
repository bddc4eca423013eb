import { createRandom, type Random } from './random.ts'

/** What files of one format are made of. */
export interface Material {
  /** Small files as they should be. */
  readonly files: readonly string[]
  /** Lines of the format, right and nearly right, without their ends. */
  readonly lines: readonly string[]
  /** What is nasty in this format in particular. */
  readonly pieces: readonly string[]
}

/** What is nasty everywhere: bytes are latin1-decoded, as the readers get them. */
const NASTY: readonly string[] = [
  ...['"', "'", '\\', '$', '%', '`', '#', ';', '=', ':', '[', ']', '{', '}', '(', ')', '&', '|', '<', '>', '*', '~'],
  ...['\0', '\x01', '\x1b', '\x7f', '\xff', '\xa0', '\x85', '\xc3\xa9', '\xc2\xa0', '\xe2\x80\xa8', '\xef\xbb\xbf', '\xf0\x9f\x98\x80'],
  ...['\n', '\r', '\r\n', '\n\n', '\t', ' ', '  ', '\v', '\f', '\\\n', '\\\r\n', '""', "''", '${', '$(', '%(', '%%', '$TARGET$'],
  ...['-', ',', '/', '0', '1', '9'.repeat(12), 'x'.repeat(70), ' '.repeat(70), '"'.repeat(9), '\\'.repeat(9)],
] // biome-ignore format: a table

const cut = (text: string, from: number, length: number, instead: string): string =>
  text.slice(0, from) + instead + text.slice(from + length)

/** One change to a text, at a place of chance. */
const mutate = (random: Random, text: string, { lines, pieces }: Material): string => {
  const at = random.below(text.length + 1)
  const lineAt = text.lastIndexOf('\n', at - 1) + 1
  const lineEnd = (text.indexOf('\n', at) + 1 || text.length + 1) - 1
  switch (random.below(14)) {
    case 0:
      return cut(text, at, 1 + random.below(4), '')
    case 1:
      return cut(text, at, 1, String.fromCharCode(random.below(256)))
    case 2:
      return cut(text, at, random.below(2), random.pick(NASTY))
    case 3:
      return cut(text, at, 0, random.pick(pieces))
    case 4:
      return cut(text, lineAt, lineEnd - lineAt, random.pick(lines))
    case 5:
      return cut(text, lineAt, 0, `${text.slice(lineAt, lineEnd)}\n`)
    case 6:
      return cut(text, lineAt, 0, `${random.pick(lines)}\n`)
    case 7:
      return `${text}${random.pick(lines)}`
    case 8:
      return text.slice(0, at)
    case 9:
      return text.replaceAll('\n', '\r\n')
    case 10:
      return cut(text, lineAt, 0, random.pick([' ', '\t', '#', '# ', '\\']))
    case 11:
      return cut(text, lineEnd, 0, random.pick([' ', '\t', '\r', '\\', ' # x', ';x', '"', "'"]))
    case 12:
      return cut(text, at, 0, text.slice(at, at + random.below(30)))
    default:
      // Longer than any buffer of the daemons and of libwrap.
      return random.oneIn(20) ? cut(text, at, 0, random.pick(['x', ' ', ',1', '\\\n']).repeat(2100)) : text
  }
}

const many = (random: Random, most: number, one: () => string): string =>
  Array.from({ length: 1 + random.below(most) }, one).join('')

const ENDS = ['\n', '\n', '\n', '\n', '\n', '\n', '\r\n', '', ' \n', '\n\n'] as const

/** A text: half of the time a good one that was changed, else lines of the format, else whatever is nasty. */
const makeText = (random: Random, material: Material): string => {
  if (random.oneIn(2)) {
    let text = random.pick(material.files)
    for (let count = random.below(4); count >= 0; count -= 1) text = mutate(random, text, material)
    return text
  }
  if (!random.oneIn(4)) {
    const before = random.oneIn(2) ? random.pick(material.files) : ''
    return before + many(random, 5, () => random.pick(material.lines) + random.pick(ENDS))
  }
  return many(random, 12, () => random.pick(random.oneIn(2) ? NASTY : material.pieces))
}

/** Calls `check` with so many texts, the same ones for the same seed. A failure names the text. */
export const forTexts = (
  seed: number,
  count: number,
  material: Material,
  check: (text: string, index: number) => void,
): void => {
  const random = createRandom(seed)
  for (let index = 0; index < count; index += 1) {
    const text = makeText(random, material)
    try {
      check(text, index)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`text ${index} of seed ${seed}: ${JSON.stringify(text.slice(0, 4000))}\n${why}`, {
        cause,
      })
    }
  }
}

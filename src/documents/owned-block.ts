import { type Network, networkOf, withoutContained } from '../network.ts'
import { applyEdits, deletion, type Edit, type Span } from './edit.ts'
import { endOfLineAt, splitLines } from './lines.ts'

/**
 * portward rewrites the lines between these two comments from config.env, so that an address that is removed from WHITELIST
 * is removed from the file, too. Everything outside belongs to the admin.
 */
export const BLOCK_BEGIN = '# portward: begin (from config.env, rewritten by portward apply)'
export const BLOCK_END = '# portward: end'

/** From its begin comment to its end comment; `content` is what is between them. */
interface OwnedBlock extends Span {
  readonly content: Span
}

/** How one format grants networks. The consumer of the file is the authority. */
export interface Grants {
  /** The line that grants a network, without its line ending. */
  readonly entry: (network: Network) => string
  /** Whether the consumer of this text grants the whole network. */
  readonly read: (text: string) => (network: Network) => boolean
  /** The offset of a line, or the end, where a new block must be inserted so that it grants `networks`. */
  readonly position: (text: string, networks: readonly Network[]) => number
  /** Lines to be deleted if they are outside of the block, in order. */
  readonly residue: readonly Span[]
  readonly eol: '\n' | '\r\n'
}

export interface OwnedMarks {
  /** Complete blocks, in order. */
  readonly blocks: readonly OwnedBlock[]
  /** Unmatched begin and end comments, left by a bad merge or a truncated file. */
  readonly strays: readonly Span[]
}

const MARK = '# portward: '

/**
 * A begin without an end before the next begin does not open a block, so that the admin's lines in between are never treated
 * as ours. Such strays are useless, and could pair up with other comments later.
 */
export const findOwnedMarks = (text: string): OwnedMarks => {
  const blocks: OwnedBlock[] = []
  const strays: Span[] = []
  let begin: Span | null = null
  for (let at = text.indexOf(MARK); at !== -1; at = text.indexOf(MARK, at + 1)) {
    if (at > 0 && text[at - 1] !== '\n') continue
    const mark = { offset: at, end: endOfLineAt(text, at) }
    if (text.startsWith('# portward: begin', at)) {
      if (begin !== null) strays.push(begin)
      begin = mark
    } else if (text.startsWith(BLOCK_END, at)) {
      if (begin === null) strays.push(mark)
      else blocks.push({ offset: begin.offset, end: mark.end, content: { offset: begin.end, end: at } })
      begin = null
    }
  }
  return { blocks, strays: begin === null ? strays : [...strays, begin] }
}

/** Converts an offset after `removals` (in ascending order) to the offset before them. */
const offsetBefore = (removals: readonly Edit[], offset: number): number =>
  removals.reduce((before, removal) => (removal.offset <= before ? before + removal.length : before), offset)

/**
 * Edits after which every network is granted: by the admin's lines, or else by lines in the block. A block is not moved as
 * long as it works where it is; it is removed when it would be empty.
 */
export const setGrants = (text: string, networks: readonly Network[], grants: Grants): Edit[] => {
  const { entry, read, position, residue, eol } = grants
  const { blocks, strays } = findOwnedMarks(text)
  const isOwned = ({ offset }: Span) => blocks.some((block) => offset >= block.offset && offset < block.end)
  const leftovers = [...strays, ...residue.filter((line) => !isOwned(line))].map(deletion)
  const spans = blocks.map(deletion)
  const removals = [...leftovers, ...spans].sort((a, b) => a.offset - b.offset)
  const others = applyEdits(text, removals)

  const block = blocks[0]
  const inside =
    block === undefined
      ? []
      : splitLines(text.slice(block.content.offset, block.content.end)).map((line) => line.text)
  const grantedByOthers = read(others)
  const needed = networks.filter((network) => inside.includes(entry(network)) || !grantedByOthers(network))
  const ours = withoutContained(needed.map(networkOf))
  if (ours.length === 0) return removals

  const content = ours.map(entry)
  const render = (entries: readonly string[]) => entries.map((line) => line + eol).join('')
  // A block at the end adds a missing newline to the last line, so that line is read as if it had it.
  const isUnfinished = others !== '' && !others.endsWith('\n')
  const at = position(isUnfinished ? others + eol : others, needed.map(networkOf))
  const isLast = at >= others.length
  const newBlock: Edit = {
    offset: offsetBefore(removals, Math.min(at, others.length)),
    length: 0,
    text: (isLast && isUnfinished ? eol : '') + render([BLOCK_BEGIN, ...content, BLOCK_END]),
  }
  const moved = [...removals, newBlock]
  if (block === undefined) return moved

  const inPlace = [...leftovers, ...spans.slice(1)]
  const isSame = inside.length === content.length && content.every((line) => inside.includes(line))
  if (!isSame) {
    inPlace.push({ ...deletion(block.content), text: render(content) })
  }
  const works = (edits: Edit[]) => networks.every(read(applyEdits(text, edits)))
  return works(inPlace) || !works(moved) ? inPlace : moved
}

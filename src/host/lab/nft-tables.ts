/** Base chains that iptables-nft makes in its tables; any other one there is somebody's own. */
const OF_IPTABLES: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

interface Part {
  /** null: a set, a map or the like. */
  readonly chain: string | null
  readonly text: string
}

/** What is in a table, in order, as `nft list ruleset` prints it. */
const partsOf = (table: string): Part[] =>
  [...table.matchAll(/^\t(\S+) (\S+).*\{\n(?:(?!\t\}$).*\n)*\t\}$/gm)].map(([text, kind, name = '']) => ({
    chain: kind === 'chain' ? name : null,
    text,
  }))

/** Rules with sets, which iptables knows nothing of and shows as if they were for everybody. */
const isBeyondIptables = (text: string): boolean => /@\w|\bvmap\b/.test(text) && !/\bxt[ _]/.test(text)

const isOwnBase = ({ chain, text }: Part): boolean =>
  chain !== null && /^\t\ttype \S+ hook /m.test(text) && (!OF_IPTABLES.has(chain) || isBeyondIptables(text))

const targetsOf = ({ text }: Part): string[] =>
  [...text.matchAll(/\b(?:jump|goto) ([^\s,;}]+)/g)].map(([, name = '']) => name)

/**
 * Chains of a table that iptables-nft shares with its owner, which are the owner's: base chains of other names, and
 * those that they lead to. iptables shows none of the former, and may show the rules of the latter wrongly.
 */
export const ownChains = (table: string): ReadonlySet<string> => {
  const parts = partsOf(table)
  const bases = parts.filter(isOwnBase)
  if (bases.length === 0) return new Set()
  const own = new Set<string>()
  const add = (part: Part): void => {
    if (part.chain !== null) {
      if (own.has(part.chain)) return
      own.add(part.chain)
    }
    for (const target of targetsOf(part)) parts.filter(({ chain }) => chain === target).forEach(add)
  }
  for (const part of [...bases, ...parts.filter(({ chain }) => chain === null)]) add(part)
  return own
}

/** Such a table with its owner's chains alone, and its sets; '' where all the chains are iptables'. */
export const ownPart = (table: string): string => {
  const own = ownChains(table)
  if (own.size === 0) return ''
  const parts = partsOf(table).filter(({ chain }) => chain === null || own.has(chain))
  return `${table.slice(0, table.indexOf('\n'))}\n${parts.map(({ text }) => `${text}\n`).join('\n')}}\n`
}

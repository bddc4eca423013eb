import { canonicalNetwork } from '../network.ts'
import type { Ban } from './ban.ts'

type Program = 'iptables' | 'ip6tables'

/** The lines of each of the kernel's tables in what `iptables-save` prints. */
export type Tables = ReadonlyMap<string, readonly string[]>

export const parseTables = (saved: string): Tables =>
  new Map(
    saved
      .split(/^\*/m)
      .slice(1)
      .map((part) => {
        const [table = '', ...lines] = part.slice(0, part.search(/^COMMIT$/m)).split('\n')
        return [table, lines]
      }),
  )

/** The policy of INPUT; without the table filter every packet is accepted. */
export const inputPolicy = (tables: Tables): string =>
  (tables.get('filter') ?? []).flatMap((line) => /^:INPUT (\S+)/.exec(line)?.[1] ?? [])[0] ?? 'ACCEPT'

const BAN_TARGETS: ReadonlySet<string> = new Set(['DROP', 'REJECT', 'CHAOS', 'TARPIT', 'DELUDE'])

/** The words of a line of `iptables-save`, which puts those with blanks into double quotes. */
const splitRule = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
    quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'),
  )

/** What a rule may have between source and target and still only ban that host. */
const HARMLESS: readonly (readonly RegExp[])[] = [
  [/^-p$/, /^[a-z0-9]+$/],
  [/^-m$/, /^(?:tcp|udp|comment)$/],
  [/^--comment$/, /^/],
]

const isHarmless = (words: readonly string[]): boolean => {
  if (words.length === 0) return true
  const option = HARMLESS.find((patterns) =>
    patterns.every((pattern, index) => pattern.test(words[index] ?? '')),
  )
  return option !== undefined && words.length >= option.length && isHarmless(words.slice(option.length))
}

/** Rules of INPUT that ban one host and do nothing else. */
export const findInputBans = (program: Program, tables: Tables): Ban[] =>
  (tables.get('filter') ?? []).flatMap((line): Ban[] => {
    if (!line.startsWith('-A INPUT -s ')) return []
    const [append, chain, source, from = '', ...rest] = splitRule(line)
    const jump = rest.indexOf('-j')
    const address = append === '-A' && chain === 'INPUT' && source === '-s' ? canonicalNetwork(from) : null
    if (address === null || address.includes('/')) return []
    if (jump === -1 || !BAN_TARGETS.has(rest[jump + 1] ?? '') || !isHarmless(rest.slice(0, jump))) return []
    const undo = [program, '-w', '-D', 'INPUT', '-s', from, ...rest]
    return [{ address, where: `${program} INPUT`, isOwn: false, untilMs: null, undo }]
  })

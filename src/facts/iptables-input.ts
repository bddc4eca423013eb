import { canonicalNetwork } from '../network.ts'
import type { Ban } from './ban.ts'

type Program = 'iptables' | 'ip6tables'

export const listInput = (program: Program): readonly string[] => [program, '-w', '-S', 'INPUT']

export const parseInputPolicy = (text: string): string | null => /^-P INPUT (\S+)$/m.exec(text)?.[1] ?? null

const BAN_TARGETS: ReadonlySet<string> = new Set(['DROP', 'REJECT', 'CHAOS', 'TARPIT', 'DELUDE'])

/** The words of a line of `iptables -S`, which puts those with blanks into double quotes. */
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

/** Rules that ban one host and do nothing else, in what `iptables -S INPUT` or `ip6tables -S INPUT` prints. */
export const parseInputBans = (program: Program, text: string): Ban[] =>
  text.split('\n').flatMap((line): Ban[] => {
    const [append, chain, source, from = '', ...rest] = splitRule(line)
    const jump = rest.indexOf('-j')
    const address = append === '-A' && chain === 'INPUT' && source === '-s' ? canonicalNetwork(from) : null
    if (address === null || address.includes('/')) return []
    if (jump === -1 || !BAN_TARGETS.has(rest[jump + 1] ?? '') || !isHarmless(rest.slice(0, jump))) return []
    const undo = [program, '-w', '-D', 'INPUT', '-s', from, ...rest]
    return [{ address, where: `${program} INPUT`, isOwn: false, untilMs: null, undo }]
  })

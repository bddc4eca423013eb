import type { Filter } from '../policy/filter.ts'
import { parseIptables } from '../policy/iptables-filter.ts'
import { parseNft } from '../policy/nft-filter.ts'
import { tryRun } from './process.ts'

const NOT_INSTALLED = 127

/** What a program printed; '' where it is not there. A filter over which nothing is known where it cannot say. */
const printed = async (program: string, ...args: string[]): Promise<string | Filter> => {
  const { exitCode, stdout, stderr } = await tryRun(program, args)
  if (exitCode === 0) return stdout
  return exitCode === NOT_INSTALLED ? '' : unreadable(`${program} failed: ${stderr.trim().split('\n')[0]}`)
}

const unreadable = (text: string): Filter => ({
  entries: [{ chain: '', policy: 'unknown', text }],
  chains: new Map(),
})

/**
 * What decides over packets of a family to this server: the filter table of iptables, and nft's own tables. Only root
 * may look; a program that is not there has nothing to say.
 */
export const readFilters = async (family: 'ipv4' | 'ipv6'): Promise<Filter[]> => {
  const program = family === 'ipv4' ? 'iptables' : 'ip6tables'
  const [rules, version, ruleset] = await Promise.all([
    printed(program, '-w', '-S'),
    printed(program, '--version'),
    printed('nft', '-j', 'list', 'ruleset'),
  ])
  if (rules === '' && ruleset === '') return [unreadable(`neither ${program} nor nft is here to be asked`)]
  const iptables = typeof rules === 'string' ? parseIptables(program, rules) : rules
  const isShown =
    typeof version === 'string' && version.includes('nf_tables') && typeof rules === 'string' && rules !== ''
  return [iptables, typeof ruleset === 'string' ? parseNft(ruleset, family, isShown) : ruleset]
}

import type { Filter } from '../policy/filter.ts'
import { parseIptables } from '../policy/iptables-filter.ts'
import { parseNft } from '../policy/nft-filter.ts'
import { tryRun } from './process.ts'

const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args)
  return exitCode === 0 ? stdout : ''
}

/**
 * What decides over packets of a family to this server: the filter table of iptables, and nft's own tables. Only root
 * may look; programs that are not there have nothing to say.
 */
export const readFilters = async (family: 'ipv4' | 'ipv6'): Promise<Filter[]> => {
  const program = family === 'ipv4' ? 'iptables' : 'ip6tables'
  const [rules, version, ruleset] = await Promise.all([
    printed(program, '-w', '-S'),
    printed(program, '--version'),
    printed('nft', '-j', 'list', 'ruleset'),
  ])
  const iptables = parseIptables(program, rules)
  const isShown = version.includes('nf_tables') && iptables.entries.length > 0
  return [iptables, parseNft(ruleset, family, isShown)]
}

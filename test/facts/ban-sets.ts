import { type Ban, bansOfSet, type SetMember } from '../../src/facts/ban.ts'
import { parseRouteBans, parseRoutes } from '../../src/facts/ip.ts'
import { LIST_IPSETS, parseIpsets } from '../../src/facts/ipset.ts'
import { LIST_NFT_SETS, parseNftSets } from '../../src/facts/nft.ts'
import type { Backend } from '../../src/policy/backends/definition.ts'

/** What each backend's bans are listed with. */
export const LISTS: Readonly<Record<Backend, readonly (readonly string[])[]>> = {
  ipset: [LIST_IPSETS],
  nft: [LIST_NFT_SETS],
  route: (['-4', '-6'] as const).map((family) => ['ip', '-json', family, 'route', 'show']),
}

/** The bans of a backend in what these print. */
export const membersOf = (backend: Backend, text: string): SetMember[] => {
  if (backend === 'ipset') return parseIpsets(text)
  if (backend === 'nft') return parseNftSets(text)
  return parseRouteBans(parseRoutes(text) ?? [])
    .filter(({ isOwn }) => isOwn)
    .map((ban) => ({ ...ban, secondsLeft: null }))
}

export const ipsetBans = (text: string, nowMs = 0): Ban[] =>
  bansOfSet('ipset portward', parseIpsets(text), nowMs)

import { type Ban, bansOfSet, type SetMember } from '../../src/facts/ban.ts'
import { parseRouteBans, parseRoutes } from '../../src/facts/ip.ts'
import { LIST_IPSETS, parseIpsets } from '../../src/facts/ipset.ts'
import { LIST_NFT_SETS, parseNftSets } from '../../src/facts/nft.ts'
import type { Backend } from '../../src/policy/backends/definition.ts'

/** What each backend's bans are listed with. */
export const LISTS: Readonly<Record<Backend, readonly (readonly string[])[]>> = {
  ipset: [LIST_IPSETS],
  nft: [LIST_NFT_SETS],
  route: [['ip', '-json', 'route', 'show', 'table', 'all']],
}

/** The bans of a backend in what these print. */
export const membersOf = (backend: Backend, text: string): SetMember[] => {
  if (backend === 'ipset') return parseIpsets(text)
  if (backend === 'nft') return parseNftSets(text)
  const { ipv4, ipv6 } = parseRoutes(text)
  return parseRouteBans([...(ipv4 ?? []), ...(ipv6 ?? [])])
    .filter(({ isOwn }) => isOwn)
    .map((ban) => ({ ...ban, secondsLeft: null }))
}

export const ipsetBans = (text: string, nowMs = 0): Ban[] =>
  bansOfSet('ipset portward', parseIpsets(text), nowMs)

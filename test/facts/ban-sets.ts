import type { Ban } from '../../src/facts/ban.ts'
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
export const membersOf = (backend: Backend, text: string): Ban[] => {
  if (backend === 'ipset') return parseIpsets(text, 0)
  if (backend === 'nft') return parseNftSets(text, 0)
  const { ipv4, ipv6 } = parseRoutes(text)
  return parseRouteBans([...(ipv4 ?? []), ...(ipv6 ?? [])]).filter(({ isOwn }) => isOwn)
}

export const ipsetBans = (text: string, nowMs = 0): Ban[] => parseIpsets(text, nowMs)

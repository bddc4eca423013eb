import type { Ban } from '../../policy/bans.ts'
import { BANS } from '../../policy/firewall.ts'
import { readFileState } from '../files.ts'
import { readFirewall, releaseOwn, undoBan } from '../firewall.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import { sendsBans, type Vantage } from './vantage.ts'

/** Where answers to a host are sent nowhere: its packets still come in. */
export const ROUTE = 'a route that leads nowhere'

/** Where a ban is, in words. */
const whereOf = ({ place, isOwn }: Ban): string => {
  if (place === 'nft') return 'nft inet portward'
  return place === 'route' ? ROUTE : `${place} ${isOwn ? 'PORTWARD' : 'INPUT'}`
}

/** When the bans end that portward's own place knows, in ms since 1970; those for ever are left out. */
const readEnds = async (): Promise<Map<string, number>> => {
  const record = (await readFileState('/', BANS))?.text ?? ''
  const ends = [...record.matchAll(/^(\S+) ([1-9]\d*)$/gm)]
  return new Map(ends.map(([, address = '', seconds]) => [address, Number(seconds) * 1000]))
}

/** INPUT, portward's chain, sets and routes. Chains of fail2ban's own are fail2ban's, and go with its bans. */
export const firewallPlace = (vantage: Vantage): BanPlace => ({
  name: 'firewall',
  read: async () => {
    if (!vantage.isLive) return unread('firewall', 'a tree has no firewall', false)
    if (!vantage.asRoot) return unread('firewall', 'not readable without root')
    const [{ bans, unread: gap }, ends] = await Promise.all([readFirewall(), readEnds()])
    return {
      place: 'firewall',
      isUnknown: gap !== null,
      isExpected: gap === null && sendsBans(vantage, 'firewall'),
      remark: gap ?? '',
      bans: bans.map((ban) => ({
        ...bareBan(ban.address, whereOf(ban)),
        untilMs: ends.get(ban.address) ?? null,
      })),
    }
  },
  release: async (hosts) => {
    if (!vantage.isLive) return NOTHING_TO_SAY
    // Also where the kernel holds nothing: it would be brought back.
    await releaseOwn(hosts)
    const { bans } = await readFirewall()
    for (const { undo } of bans.filter(({ address }) => hosts.has(address))) await undoBan(undo)
    return NOTHING_TO_SAY
  },
})

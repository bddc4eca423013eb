import { type Ban, keepsOut } from '../../policy/bans.ts'
import { readFirewall, undoBan } from '../ban-set.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import { sendsBans, type Vantage } from './vantage.ts'

/** Where answers to a host are sent nowhere: its packets still come in. */
export const ROUTE = 'a route that leads nowhere'

/** Where a ban is, in words. */
const WHERE: Readonly<Record<Ban['holder'], string>> = {
  ipset: 'ipset portward',
  nft: 'nft inet portward',
  route: ROUTE,
  unreachable: ROUTE,
  iptables: 'iptables INPUT',
  ip6tables: 'ip6tables INPUT',
}

/** Where bans are that portward's own rules keep out. */
export const BAN_SETS: readonly string[] = [WHERE.ipset, WHERE.nft]

/** INPUT, portward's sets, and routes. Chains of fail2ban's own are fail2ban's, and go with its bans. */
export const firewallPlace = (vantage: Vantage): BanPlace => ({
  name: 'firewall',
  read: async () => {
    if (!vantage.isLive) return unread('firewall', 'a tree has no firewall', false)
    if (!vantage.asRoot) return unread('firewall', 'not readable without root')
    const { bans, unread: gap } = await readFirewall()
    return {
      place: 'firewall',
      isUnknown: gap !== null,
      isExpected: gap === null && sendsBans(vantage, 'firewall'),
      remark: gap ?? '',
      bans: bans.map(({ address, holder, untilMs }) => ({ ...bareBan(address, WHERE[holder]), untilMs })),
    }
  },
  release: async (hosts) => {
    if (!vantage.isLive) return NOTHING_TO_SAY
    const { bans } = await readFirewall()
    for (const { undo } of bans.filter((ban) => keepsOut(ban, hosts))) await undoBan(undo)
    return NOTHING_TO_SAY
  },
})

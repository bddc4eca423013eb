import { blockedFilesPlace } from './blocked-files.ts'
import { fail2banPlace } from './fail2ban.ts'
import { firewallPlace } from './firewall.ts'
import { hostsDenyPlace } from './hosts-deny.ts'
import type { BanPlace } from './place.ts'
import type { Vantage } from './vantage.ts'

/**
 * Every place, in the order in which hosts are released: the firewall opens last, so that nothing which still holds the
 * host sees it and bans it anew in between. fail2ban does not read history lines twice.
 */
export const openPlaces = (vantage: Vantage): BanPlace[] => [
  fail2banPlace(vantage),
  blockedFilesPlace(vantage),
  hostsDenyPlace(vantage),
  firewallPlace(vantage),
]

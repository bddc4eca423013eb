import { HostError } from '../host-error.ts'
import { HOSTS_DENY, readDenied, releaseDenied } from '../hosts-deny.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import { sendsBans, type Vantage } from './vantage.ts'

/** The lines that portsentry writes into hosts.deny. The admin's own are not bans of portsentry's. */
export const hostsDenyPlace = (vantage: Vantage): BanPlace => {
  const { root } = vantage
  return {
    name: 'hosts.deny',
    read: async () => {
      try {
        const denied = await readDenied(root)
        return {
          place: 'hosts.deny',
          isExpected: sendsBans(vantage, 'hosts.deny'),
          remark: '',
          bans: denied.map((address) => bareBan(address, HOSTS_DENY)),
        }
      } catch (error) {
        if (error instanceof HostError) return unread('hosts.deny', error.message)
        throw error
      }
    },
    release: async (hosts) => {
      await releaseDenied(root, (host) => hosts.has(host))
      return NOTHING_TO_SAY
    },
  }
}

import { DENIED } from '../../policy/ban-set.ts'
import { HostError } from '../host-error.ts'
import { HOSTS_DENY, readDenied, releaseDenied } from '../hosts-deny.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import { sendsBans, type Vantage } from './vantage.ts'

/** The lines that portsentry writes into hosts.deny, and the file that it names. The admin's own lines are no bans. */
export const hostsDenyPlace = (vantage: Vantage): BanPlace => {
  const { root } = vantage
  return {
    name: 'hosts.deny',
    read: async () => {
      try {
        const { entered, inFile } = await readDenied(root)
        return {
          place: 'hosts.deny',
          isExpected: sendsBans(vantage, 'hosts.deny') || (vantage.isLive && inFile !== null),
          remark: '',
          bans: [
            ...entered.map((address) => bareBan(address, HOSTS_DENY)),
            ...(inFile ?? []).map((address) => bareBan(address, DENIED)),
          ],
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

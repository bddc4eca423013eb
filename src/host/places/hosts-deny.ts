import { applyEdits } from '../../documents/edit.ts'
import { parseHostsAccess } from '../../documents/hosts-access.ts'
import { deniedAddresses, removeDenied } from '../../documents/hosts-access-edit.ts'
import { formatAddress, parseAddress } from '../../network.ts'
import { readFileState, replaceFile } from '../files.ts'
import { HostError } from '../host-error.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import { sendsBans, type Vantage } from './vantage.ts'

const PATH = '/etc/hosts.deny'

const canonical = (text: string): string => {
  const address = parseAddress(text)
  return address === null ? text : formatAddress(address)
}

/** The lines that portsentry writes into hosts.deny. The admin's own are not bans of portsentry's. */
export const hostsDenyPlace = (vantage: Vantage): BanPlace => {
  const { root } = vantage
  return {
    name: 'hosts.deny',
    read: async () => {
      try {
        const text = (await readFileState(root, PATH))?.text ?? ''
        const denied = new Set(deniedAddresses(parseHostsAccess(text)).map(canonical))
        return {
          place: 'hosts.deny',
          isExpected: sendsBans(vantage, 'KILL_HOSTS_DENY'),
          remark: '',
          bans: [...denied].map((address) => bareBan(address, PATH)),
        }
      } catch (error) {
        if (error instanceof HostError) return unread('hosts.deny', error.message)
        throw error
      }
    },
    release: async (hosts) => {
      const text = (await readFileState(root, PATH))?.text ?? ''
      const edits = removeDenied(parseHostsAccess(text), (client) => hosts.has(canonical(client)))
      if (edits.length > 0) await replaceFile(root, PATH, applyEdits(text, edits), 0o644)
      return NOTHING_TO_SAY
    },
  }
}

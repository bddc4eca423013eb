import { ACTION, BANS_CONF, LOADER, UNIT_PATH } from '../policy/ban-set.ts'
import { SSHD_PATH } from '../policy/jail.ts'
import { ADDRESSES_PATH } from '../policy/server-addresses.ts'

const PURPOSES: ReadonlyMap<string, string> = new Map([
  [BANS_CONF, 'settings of the ban set'],
  [LOADER, 'the program that loads the ban set'],
  [ACTION, "fail2ban's action for the ban set"],
  [UNIT_PATH, 'loads the ban set at boot'],
  [SSHD_PATH, 'has the sshd jail read the journal'],
  [ADDRESSES_PATH, "this server's addresses, gateways and name servers"],
  ['/etc/fail2ban/filter.d/portsentry-2.conf', "fail2ban's filter for portsentry 2.x"],
  ['/etc/systemd/system/portsentry.service.d/portward.conf', 'starts portsentry with --connect'],
])

/** What a file is for that portward writes as a whole. The others are the rules of a ban backend. */
export const purposeOf = (path: string): string => PURPOSES.get(path) ?? 'rules of the ban set'

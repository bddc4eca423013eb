import { ACTION, BANS_CONF, BY_HAND, LOADER, UNIT_PATH } from '../policy/ban-set.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { describeChanges, NAMES_PATH } from '../policy/host-names.ts'
import { SSHD_PATH } from '../policy/jail.ts'
import { NOTIFY_ACTION } from '../policy/notifications.ts'
import { ADDRESSES_PATH } from '../policy/server-addresses.ts'
import { timerPurpose } from '../policy/timers.ts'
import type { RemoveStep, WriteStep } from './plan.ts'

/** The end of what a file of the ban set is for. */
export const OF_THE_BAN_SET = ' of the ban set'

const PURPOSES: ReadonlyMap<string, string> = new Map([
  [BANS_CONF, `settings${OF_THE_BAN_SET}`],
  [LOADER, `loader${OF_THE_BAN_SET}`],
  [ACTION, `ban action${OF_THE_BAN_SET}`],
  [BY_HAND, `ban action${OF_THE_BAN_SET}`],
  [UNIT_PATH, `unit${OF_THE_BAN_SET}`],
  [NOTIFY_ACTION, 'tells others about bans, for NOTIFY and ABUSEIPDB_KEY_FILE'],
  [SSHD_PATH, 'the sshd jail reads the journal, as its log does not exist'],
  [NAMES_PATH, 'records the addresses of hosts that are protected by name'],
  [ADDRESSES_PATH, "records this server's addresses, gateways and name servers"],
  ['/etc/fail2ban/filter.d/portsentry-2.conf', 'filter for the history of portsentry 2.x'],
  ['/etc/systemd/system/portsentry.service.d/portward.conf', 'starts portsentry with --connect'],
])

/** What a file is for that portward writes as a whole. The others are the rules of a ban backend. */
const purposeOf = (path: string): string =>
  PURPOSES.get(path) ?? timerPurpose(path) ?? `rules${OF_THE_BAN_SET}`

/** For the names: whose addresses change, which is what the other files change for. */
const purposesOf = (path: string, before: string | null, after: string): readonly string[] => {
  const changes = path === NAMES_PATH ? describeChanges(before, after) : []
  return changes.length > 0 ? changes : [purposeOf(path)]
}

/** Why the backend and target were chosen: shown only by the plan that chooses them. */
const notesOn = (before: string | null, after: string, { banSetNotes }: Desired): readonly string[] => {
  const choice = (text: string) => /^backend = .*\ntarget = .*$/m.exec(text)?.[0]
  return before !== null && choice(before) === choice(after) ? [] : banSetNotes
}

/** Files that portward writes as a whole, or removes. */
export const planOwned = (desired: Desired, facts: Facts): (WriteStep | RemoveStep)[] =>
  [...desired.ownedFiles].flatMap(([path, wanted]): (WriteStep | RemoveStep)[] => {
    const before = fileText(facts, path) ?? null
    // A copy of /etc has no files outside of /etc.
    const isElsewhere = facts.inferredRelease !== undefined && !path.startsWith('/etc/')
    if (before === wanted || (isElsewhere && before === null)) return []
    if (wanted !== null) {
      return [
        {
          kind: 'write',
          path,
          before,
          after: wanted,
          mode: 0o644,
          fromPackage: false,
          reasons: [
            ...purposesOf(path, before, wanted),
            ...(path === BANS_CONF ? notesOn(before, wanted, desired) : []),
          ],
        },
      ]
    }
    return before === null ? [] : [{ kind: 'remove', path, before, reasons: ['not needed here any more'] }]
  })

import { setTimeout as sleep } from 'node:timers/promises'
import { withoutBlocked } from '../detector/blocked-file.ts'
import {
  findBanningJails,
  isInstalled,
  isYoungerThan,
  JAIL,
  readBanned,
  readJails,
} from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import type { BanStore } from '../policy/banned.ts'
import { monotonicMs } from '../system/clock.ts'
import { readFileState, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { waitingFor } from '../system/progress.ts'
import { appliesTo, undoBan } from './firewall.ts'
import { releaseDenied } from './hosts-deny.ts'
import { unban } from './jail.ts'
import { type BansRead, blockedFilesOf, rememberedHosts } from './read-bans.ts'

/** For this long after its start a jail may still be restoring its bans, including hosts that have been released since. */
const RESTORING_MS = 120_000
const POLL_MS = 1000

/** Waits until a jail that has just been started has not restored any more bans for a while. */
const waitUntilRestored = async (): Promise<void> => {
  const deadline = monotonicMs() + RESTORING_MS
  for (let last = -1, same = 0; same < 2 && monotonicMs() < deadline; ) {
    const now = (await readBanned(JAIL)).length
    same = now === last ? same + 1 : 0
    last = now
    await sleep(POLL_MS)
  }
}

/** What an administrator has to know about a release. */
type Notes = readonly string[]
type Release = (before: BansRead, hosts: ReadonlySet<string>) => Promise<Notes>

const releaseInFail2ban: Release = async ({ instance }, hosts) => {
  if (!instance.isLive) return []
  const jails = await readJails()
  if (jails === null) {
    if (!(await isInstalled())) return []
    const hint =
      'systemctl start fail2ban, then portward unban again: what it remembers comes back when it starts'
    throw new HostError('fail2ban is not running, or does not answer', hint)
  }
  if (!jails.includes(JAIL)) return []
  await unban(JAIL, ...hosts)
  if (await isYoungerThan(RESTORING_MS)) {
    await waitingFor('fail2ban to restore the bans of before its start', RESTORING_MS, waitUntilRestored)
    await unban(JAIL, ...hosts)
  }
  const banned = [...hosts].map(async (host) =>
    (await findBanningJails(host))
      .filter((jail) => jail !== JAIL)
      .map(
        (jail) => `${host} is still banned by the jail ${jail}: fail2ban-client set ${jail} unbanip ${host}`,
      ),
  )
  return (await Promise.all(banned)).flat()
}

const releaseInBlockedFiles: Release = async (before, hosts) => {
  const { root, release, modes } = before.instance
  const dialect = release?.dialect ?? '1.2'
  let isChanged = false
  for (const { path } of blockedFilesOf(before.instance)) {
    const file = await readFileState(root, path)
    const text = withoutBlocked(file?.text ?? '', hosts, dialect)
    if (file === null || text === file.text) continue
    await replaceFile(root, path, text, 0o600)
    isChanged = true
  }
  if (dialect === '1.2' || modes.length === 0) return []
  // 2.x reads its blocked file only when it starts.
  const remembered = rememberedHosts(before)
  if (!isChanged && ![...hosts].some((host) => remembered.has(host))) return []
  return [
    'portsentry itself forgets it at its next restart; until then fail2ban bans a new scan all the same',
  ]
}

const releaseInHostsDeny: Release = async ({ instance }, hosts) => {
  await releaseDenied(instance.root, (host) => hosts.has(host))
  return []
}

const releaseInFirewall: Release = async ({ instance }, hosts) => {
  if (!instance.isLive) return []
  const { bans } = await readFirewallBans()
  for (const { undo } of bans.filter((ban) => appliesTo(ban, hosts))) await undoBan(undo)
  return []
}

/**
 * The firewall comes last: otherwise packets of the host could reach a daemon before the other stores have released it, and it
 * would be banned anew. fail2ban does not read history lines twice.
 */
const RELEASES: readonly (readonly [BanStore, Release])[] = [
  ['fail2ban', releaseInFail2ban],
  ['blocked-file', releaseInBlockedFiles],
  ['hosts.deny', releaseInHostsDeny],
  ['firewall', releaseInFirewall],
]

export interface Released {
  readonly notes: Notes
  readonly failures: readonly { readonly store: BanStore; readonly error: HostError }[]
}

/** Releases hosts (canonical texts) from every store that may ban them. If one store fails, the others are still done. */
export const releaseHosts = async (before: BansRead, hosts: ReadonlySet<string>): Promise<Released> => {
  const notes: string[] = []
  const failures: Released['failures'][number][] = []
  for (const [store, release] of RELEASES) {
    try {
      notes.push(...(await release(before, hosts)))
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      failures.push({ store, error })
    }
  }
  return { notes, failures }
}

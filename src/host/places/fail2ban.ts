import { setTimeout as sleep } from 'node:timers/promises'
import { type JailBan, parseJailBans } from '../../policy/jail-bans.ts'
import { isInstalled, isYoungerThan, readBanned, readJails, readOption, unban } from '../fail2ban.ts'
import { HostError } from '../host-error.ts'
import { waitingFor } from '../waiting.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import type { Vantage } from './vantage.ts'

const JAIL = 'portsentry'
/** For so long after its start a jail may be taking up whom it held before, whomever it was told to let go of meanwhile. */
const TAKING_UP_MS = 120_000
const POLL_MS = 1000

/** Waits until a jail that has just been started holds nobody new for a while. */
const waitUntilTakenUp = async (): Promise<void> => {
  const deadline = performance.now() + TAKING_UP_MS
  const count = async () => (await readBanned(JAIL)).length
  for (let last = -1, same = 0; same < 2 && performance.now() < deadline; ) {
    const now = await count()
    same = now === last ? same + 1 : 0
    last = now
    await sleep(POLL_MS)
  }
}

/** fail2ban's client tells times as the server's clock has them. */
const timeOf = ([year, month, day, hour, minute, second]: JailBan['since']): number =>
  new Date(year, month - 1, day, hour, minute, second).getTime()

/** Which of these jails hold an address, as the running fail2ban says. */
export const readHolders = async (jails: readonly string[], address: string): Promise<string[]> => {
  const held = await Promise.all(
    jails.map(async (jail) => (await readOption(jail, 'banip'))?.split(/\s+/).includes(address) === true),
  )
  return jails.filter((_, index) => held[index])
}

/** The portsentry jail of the running fail2ban. Its database is its own: it is asked by its client. */
export const fail2banPlace = ({ isLive, asRoot }: Vantage): BanPlace => ({
  name: 'fail2ban',
  read: async () => {
    if (!isLive) return unread('fail2ban', 'a tree has no running fail2ban', false)
    if (!asRoot) return unread('fail2ban', 'not readable without root')
    const jails = await readJails()
    if (jails === null) {
      if (await isInstalled()) return unread('fail2ban', 'it does not run, or does not answer')
      return { place: 'fail2ban', bans: [], isExpected: false, remark: 'it is not installed' }
    }
    if (!jails.includes(JAIL)) {
      return { place: 'fail2ban', bans: [], isExpected: false, remark: 'it has no portsentry jail loaded' }
    }
    const listed = await readOption(JAIL, 'banip', '--with-time')
    if (listed === null) return unread('fail2ban', 'it does not say whom the portsentry jail holds')
    const bans = parseJailBans(listed).map(({ address, since, lasts }) => ({
      ...bareBan(address, `jail ${JAIL}`),
      sinceMs: timeOf(since),
      untilMs: lasts === null ? null : timeOf(since) + lasts * 1000,
    }))
    return { place: 'fail2ban', bans, isExpected: true, remark: '' }
  },
  release: async (hosts) => {
    if (!isLive) return NOTHING_TO_SAY
    const jails = await readJails()
    if (jails === null) {
      if (!(await isInstalled())) return NOTHING_TO_SAY
      const hint =
        'systemctl start fail2ban, then portward unban again: what it remembers comes back when it starts'
      throw new HostError('fail2ban does not run, or does not answer', hint)
    }
    if (!jails.includes(JAIL)) return NOTHING_TO_SAY
    for (const host of hosts) await unban(JAIL, host)
    if (await isYoungerThan(TAKING_UP_MS)) {
      await waitingFor('fail2ban to take up the bans of before its start', TAKING_UP_MS, waitUntilTakenUp)
      for (const host of hosts) await unban(JAIL, host)
    }
    const others = jails.filter((jail) => jail !== JAIL)
    const remarks: string[] = []
    for (const host of hosts) {
      for (const jail of await readHolders(others, host)) {
        remarks.push(`${host} is still held by the jail ${jail}: fail2ban-client set ${jail} unbanip ${host}`)
      }
    }
    return { remarks }
  },
})

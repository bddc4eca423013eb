import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type BanNote, BY_HAND_WORDS, JAIL, type JailBan, readJailBans } from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { monotonicMs } from '../system/clock.ts'
import { effect } from '../system/effect.ts'
import { HostError } from '../system/host-error.ts'
import { waitingFor } from '../system/progress.ts'

/** A ban to make, or to prolong. */
export interface NewBan {
  readonly address: string
  /** From now; -1: permanently; null: as the jail bans. */
  readonly seconds: number | null
  readonly note: BanNote
}

/** Bans in one command: fail2ban-client, which is run where fail2ban has another socket, takes them as an argument of 128 kB. */
const AT_ONCE = 250
/** fail2ban bans after the request, one host after the other. */
const PATIENCE_MS = 20_000
const POLL_MS = 200

const enter = (bans: readonly NewBan[]): Promise<void> =>
  effect(`have fail2ban ban ${bans.length} hosts`, async () => {
    const triples = bans.map(({ address, seconds, note }) => [address, seconds, note])
    if ((await ask(...BY_HAND_WORDS, JSON.stringify({ bans: triples }))) !== null) return
    throw new HostError(
      "fail2ban's action refuses it, as that of an earlier portward does",
      'portward apply, which renews it; if it is in sync: journalctl -u fail2ban',
    )
  })

/** Waits until `find` finds none of the addresses missing, or no less of them for a while; returns those. */
const waitFor = async (
  addresses: readonly string[],
  find: () => Promise<ReadonlySet<string>>,
): Promise<ReadonlySet<string>> => {
  const look = async (): Promise<string[]> => {
    const present = await find()
    return addresses.filter((address) => !present.has(address))
  }
  let missing = await look()
  let deadline = monotonicMs() + PATIENCE_MS
  while (missing.length > 0 && monotonicMs() < deadline) {
    await sleep(POLL_MS)
    const before = missing.length
    missing = await look()
    if (missing.length < before) deadline = monotonicMs() + PATIENCE_MS
  }
  return new Set(missing)
}

/** How the bans are now. */
export interface BansMade {
  /** What fail2ban has banned, by address. */
  readonly jailed: ReadonlyMap<string, JailBan>
  /** Addresses that are not in the kernel. */
  readonly notInForce: ReadonlySet<string>
  /** Addresses whose ban is over already. */
  readonly over: ReadonlySet<string>
}

/** Has fail2ban ban hosts, and waits until the kernel keeps them out. Throws HostError. */
export const banHosts = async (bans: readonly NewBan[]): Promise<BansMade> => {
  const begunMs = monotonicMs()
  const addresses = bans.map(({ address }) => address)
  /** A ban of a few seconds may end while others are made: nobody waits for it. */
  const findOver = (): string[] => {
    const seconds = (monotonicMs() - begunMs) / 1000
    return bans.flatMap((ban) =>
      ban.seconds !== null && ban.seconds >= 0 && ban.seconds <= seconds ? [ban.address] : [],
    )
  }
  for (let at = 0; at < bans.length; at += AT_ONCE) await enter(bans.slice(at, at + AT_ONCE))
  let jailed = new Map<string, JailBan>()
  return waitingFor('fail2ban to ban them', PATIENCE_MS, async () => {
    await waitFor(addresses, async () => {
      jailed = new Map((await readJailBans([JAIL]))?.map((ban) => [ban.address, ban]) ?? [])
      return new Set([...jailed.keys(), ...findOver()])
    })
    const notInForce = await waitFor(
      addresses.filter((address) => jailed.has(address)),
      async () => new Set([...(await readFirewallBans()).bans.map(({ address }) => address), ...findOver()]),
    )
    return { jailed, notInForce, over: new Set(findOver()) }
  })
}

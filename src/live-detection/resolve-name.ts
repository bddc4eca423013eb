import { lookupService } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The daemon waits as long as the resolver does, and does not read packets in that time. */
const PATIENCE_MS = 5_000

/** Characters of host names: the owner of an address's reverse zone could otherwise put anything into the log. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/

/** The name of an address from the system's resolver (files, DNS), or the address itself. Never throws. */
export const resolveName = async (address: string): Promise<string> => {
  const patience = new AbortController()
  const late = sleep(PATIENCE_MS, address, { signal: patience.signal, ref: false }).catch(() => address)
  const lookup = lookupService(address, 0).then(
    ({ hostname }) => (NAME.test(hostname) ? hostname : address),
    () => address,
  )
  const name = await Promise.race([lookup, late])
  patience.abort()
  return name
}

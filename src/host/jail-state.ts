import { contains, type Network, parseNetwork } from '../network.ts'
import { readJails, readOption } from './fail2ban.ts'
import { readHolders } from './places/fail2ban.ts'

const JAIL = 'portsentry'

/** What the running fail2ban says of a host. */
export interface JailState {
  /** Jails that are loaded; null where the server does not answer. */
  readonly jails: readonly string[] | null
  readonly isLoaded: boolean
  /** The entry of the portsentry jail's ignoreip that spares the host. */
  readonly ignoredBy: string | null
  /** Seconds; -1: for ever. Null where it was not told. */
  readonly bantimeS: number | null
  /** Jails that hold the host. */
  readonly holders: readonly string[]
}

/** Host names, which fail2ban resolves, are passed over. */
const entryFor = (listed: string, host: Network): string | null =>
  [...listed.matchAll(/^(?:[|`]- )?(\S+)$/gm)]
    .map(([, entry = '']) => entry)
    .find((entry) => {
      const network = parseNetwork(entry)
      return network !== null && contains(network, host)
    }) ?? null

export const readJailState = async (host: Network, address: string): Promise<JailState> => {
  const jails = await readJails()
  const isLoaded = jails?.includes(JAIL) === true
  const [ignoreip, bantime, holders] = await Promise.all([
    isLoaded ? readOption(JAIL, 'ignoreip') : null,
    isLoaded ? readOption(JAIL, 'bantime') : null,
    readHolders(jails ?? [], address),
  ])
  return {
    jails,
    isLoaded,
    ignoredBy: ignoreip === null ? null : entryFor(ignoreip, host),
    bantimeS: bantime === null ? null : Number(bantime),
    holders,
  }
}

import { contains, formatCidr, isWithin, type Network, networkOf } from '../network.ts'
import type { Place } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import type { ServerAddresses } from './server-addresses.ts'

/** Why a host must never be banned, and the line that says so; `at` null: no line does, it always holds. */
export interface Protector {
  readonly entry: string
  readonly at: Place | null
}

/**
 * What protects a host by config.env and by what the server is. `networks` are all that are protected, of which the
 * ones that are neither the server's nor config.env's are loopback, link-local and what no host has.
 */
export const findProtectors = (
  host: Network,
  settings: Settings,
  server: Partial<ServerAddresses>,
  networks: readonly Network[],
): Protector[] => {
  const at = (name: string): Place => settings.places.get(name) ?? { path: settings.path }
  const found: Protector[] = []
  if (settings.lan !== null && contains(settings.lan, host)) {
    found.push({ entry: `LAN_IP and LAN_NM: ${formatCidr(networkOf(settings.lan))}`, at: at('LAN_IP') })
  }
  for (const network of settings.whitelist.filter((given) => contains(given, host))) {
    found.push({ entry: `WHITELIST: ${formatCidr(network)}`, at: at('WHITELIST') })
  }
  if (isWithin(server.addresses ?? [], host)) found.push({ entry: "this server's own address", at: null })
  if (isWithin(server.gateways ?? [], host)) found.push({ entry: "this server's default gateway", at: null })
  if (isWithin(server.resolvers ?? [], host)) found.push({ entry: 'a name server of this server', at: null })
  if (isWithin(server.broadcasts ?? [], host)) found.push({ entry: 'a broadcast address here', at: null })
  if (found.length === 0) {
    const network = networks.find((other) => contains(other, host))
    if (network !== undefined) found.push({ entry: `${formatCidr(network)}, always protected`, at: null })
  }
  return found
}

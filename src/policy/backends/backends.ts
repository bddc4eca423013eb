import type { FirewallRules } from '../../facts/firewall-bans.ts'
import { formatCidr, isIPv4, type Network } from '../../network.ts'
import type { Backend, BackendDefinition, BanSet, Networks } from './definition.ts'
import { ipset } from './ipset.ts'
import { nft } from './nft.ts'
import { route } from './route.ts'

export const BACKENDS: Readonly<Record<Backend, BackendDefinition>> = { ipset, nft, route }

/** The shell script that removes a ban set. Ban sets that share rules and sets have the same script. */
export const removalOf = ({ backend, target }: BanSet): string => BACKENDS[backend].remove(target).join('\n')

/** Whether the kernel's rules contain those of a ban set. */
export const isInForce = ({ backend, target }: BanSet, rules: FirewallRules): boolean =>
  BACKENDS[backend].isInForce(target, rules)

export const networksOf = (networks: readonly Network[]): Networks => ({
  ipv4: networks.filter(isIPv4).map(formatCidr),
  ipv6: networks.filter((network) => !isIPv4(network)).map(formatCidr),
})

/** The files of all backends. */
export const BACKEND_FILES: readonly string[] = Object.values(BACKENDS).flatMap(({ files }) => [
  ...files({ ipv4: [], ipv6: [] }, 'DROP').keys(),
])

/** The value of KILL_ROUTE: one command of the backend's tool. portsentry 1.2 sees IPv4 only. */
export const banCommand = (backend: Backend, seconds: number, seesIPv6: boolean): string => {
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => BACKENDS[backend].ban(family, seconds))
  if (!seesIPv6 || ipv4 === ipv6) return ipv4 ?? ''
  return `case $TARGET$ in *:*) exec ${ipv6};; *) exec ${ipv4};; esac`
}

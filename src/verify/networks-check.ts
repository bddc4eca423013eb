import type { Topology } from '../facts/ip.ts'
import { formatCidr, isWithin } from '../network.ts'
import { shortList } from '../phrases.ts'
import type { Desired } from '../policy/desired.ts'
import { isJailWanted } from '../policy/jail.ts'
import { hasIPv4, LAN_PROBLEMS } from '../policy/lan-check.ts'
import { onLink } from '../policy/on-link.ts'
import type { Problem } from '../problem.ts'
import { type Check, checkFor } from './check.ts'

/** The code of the check that an apply cannot fix: config.env leaves a network out, which the plan has reported. */
export const NETWORKS = 'networks'

/**
 * Whether config.env protects the networks that this server is on, by the plan's problems about them. A public network is not
 * considered a LAN; IPv6 networks, for which the plan has warnings, are only listed.
 */
export const checkNetworks = (
  { protectedNetworks, conf, jails }: Desired,
  topology: Topology | null,
  problems: readonly Problem[],
): Check => {
  const check = checkFor(NETWORKS)
  if (topology === null) return check.skip('not checked: ip (iproute2) does not list interfaces and routes')
  if (!hasIPv4(topology)) return check.skip('not checked: no interface has an IPv4 address')
  const found = problems.filter(({ code }) => LAN_PROBLEMS.has(code))
  const failing = found.filter(({ code }) => LAN_PROBLEMS.get(code) === 'fail')
  const [first] = failing.length > 0 ? failing : found
  if (first !== undefined) {
    const say = failing.length > 0 ? check.fail : check.warn
    return say(found.map(({ message }) => message).join('; '), first.hint)
  }
  const bans = ['BLOCK_TCP', 'BLOCK_UDP'].some((key) => conf.get(key) !== '0')
  if (!bans && !isJailWanted({ jails })) return check.pass('not needed: config.env turns banning off')
  const networks = onLink(topology).map(({ network, device }) => ({
    text: `${formatCidr(network)} (${device})`,
    network,
  }))
  const [inside, outside] = [true, false].map((wanted) =>
    networks.filter(({ network }) => isWithin(protectedNetworks, network) === wanted).map(({ text }) => text),
  )
  const parts = [
    ...(inside?.length ? [`protected: ${shortList(inside)}`] : []),
    ...(outside?.length ? [`not protected: ${shortList(outside)}`] : []),
  ]
  return check.pass(parts.join('; ') || 'this server is not on a network with other hosts')
}

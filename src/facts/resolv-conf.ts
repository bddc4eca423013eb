import { readFile } from 'node:fs/promises'
import { splitLines } from '../documents/lines.ts'
import { isLoopback, type Network } from '../network.ts'
import { lastingHosts } from './ip.ts'

// The name servers that this server uses.

/** glibc uses at most this many (MAXNS of resolv.h). */
const MAX_SERVERS = 3

/**
 * The name servers of resolv.conf as glibc's res_init() reads it, without an interface (`fe80::1%eth0`). A local resolver asks
 * all that are in its own file: `most` is then Infinity.
 */
export const parseResolvConf = (text: string, most = MAX_SERVERS): string[] =>
  splitLines(text)
    .flatMap((line) => /^nameserver[ \t]+([^ \t%]+)/.exec(line.text)?.[1] ?? [])
    .slice(0, most)

const RESOLV_CONF = '/etc/resolv.conf'
/** Where local resolvers that resolv.conf may name (such as 127.0.0.53) record their upstream servers. */
const UPSTREAMS = [
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
  '/run/dnsmasq/resolv.conf',
]

const readServers = async (path: string, most?: number): Promise<Network[]> =>
  lastingHosts(parseResolvConf(await readFile(path, 'latin1').catch(() => ''), most))

/** Whether all these are local resolvers, which ask upstream servers. */
export const areForwarders = (servers: readonly Network[]): boolean =>
  servers.length > 0 && servers.every(({ bytes }) => isLoopback(bytes))

/** The name servers that this server uses; only loopback addresses if the upstream servers of those are unknown. */
export const readResolvers = async (): Promise<Network[]> => {
  const named = await readServers(RESOLV_CONF)
  if (!areForwarders(named)) return named
  const upstreams = await Promise.all(UPSTREAMS.map((path) => readServers(path, Infinity)))
  return upstreams.find((servers) => servers.length > 0 && !areForwarders(servers)) ?? named
}

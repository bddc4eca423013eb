import { networkInterfaces } from 'node:os'
import { type Network, parseNetwork } from '../network.ts'
import { tryRun } from './process.ts'

interface IpAddress {
  readonly local?: string
  readonly temporary?: boolean
}

const readIPv4 = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(
      ({ internal, family, address }) => !internal && family === 'IPv4' && !address.startsWith('169.254.'),
    )
    .map(({ address }) => address)

/** Temporary (privacy) addresses change by the day and are nobody's to be reached at: they would make a drift of each. */
const readIPv6 = async (): Promise<string[]> => {
  const { exitCode, stdout } = await tryRun('ip', ['-json', '-6', 'address', 'show', 'scope', 'global'])
  if (exitCode !== 0) return []
  const links = JSON.parse(stdout || '[]') as { addr_info?: IpAddress[] }[]
  return links
    .flatMap(({ addr_info }) => addr_info ?? [])
    .filter(({ temporary }) => temporary !== true)
    .flatMap(({ local }) => local ?? [])
}

/** This server's addresses, each as a host, in a stable order; loopback and link-local ones left out. */
export const readAddresses = async (): Promise<Network[]> =>
  [...readIPv4(), ...(await readIPv6())]
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((address) => parseNetwork(address) ?? [])

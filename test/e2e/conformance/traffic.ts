import { execa } from 'execa'
import { addresses } from '../harness/network.ts'
import type { Server } from '../harness/server.ts'
import { OWN_ADDRESS, PORTS, SCANS, type Scan, SENTINEL_PORTS, SENTINELS, type Setup } from './matrix.ts'

/** Gives the attacker every address that it scans from. */
export const takeAddresses = async ({ attacker }: Server): Promise<void> => {
  const present: string[] = [...Object.values(addresses.attacker), OWN_ADDRESS]
  for (const { source } of [...SCANS, ...SENTINELS]) {
    if (present.includes(source)) continue
    const [suffix, ...flags] = source.includes(':') ? ['/64', 'nodad'] : ['/24']
    await attacker.exec('ip', 'address', 'add', `${source}${suffix}`, 'dev', 'eth0', ...flags)
  }
}

const isConnecting = ({ options }: Scan): boolean => options.includes('-sT')

/**
 * One nmap run, each port once and in order. --send-ip leaves the neighbour's address to the kernel, which else
 * every run asks for by itself.
 */
const nmap = async ({ attacker, network }: Server, scan: Scan, ports: readonly number[]) => {
  const { options, source, target } = scan
  const isOwn = source === OWN_ADDRESS
  const namespace = isOwn ? network.server : attacker.namespace
  const from = isOwn ? [] : ['-e', 'eth0', '-S', source]
  const delay = isConnecting(scan) ? ['--scan-delay', '50ms'] : []
  const pace = ['-Pn', '-n', '-r', '-T5', '--max-retries', '0', '--max-rtt-timeout', '200ms', '--send-ip']
  await execa('ip', [
    ...[
      'netns',
      'exec',
      namespace,
      'nmap',
      ...options,
      ...pace,
      ...delay,
      ...from,
      '-p',
      ports.join(','),
      target,
    ],
  ])
}

/** All scans at once, then the sentinels. */
export const scanServer = async (server: Server, { modes }: Setup): Promise<void> => {
  const ports = PORTS.map(({ port }) => port)
  const listens = modes.includes('tcp') || modes.includes('connect')
  // A daemon that listens by itself takes those who wait at two of its sockets in an order of its own: one at a time.
  const isQueued = (scan: Scan) => listens && isConnecting(scan)
  const oneByOne = async () => {
    for (const scan of SCANS.filter(isQueued)) await nmap(server, scan, ports)
  }
  const free = SCANS.filter((scan) => !isQueued(scan))
  await Promise.all([oneByOne(), ...free.map((scan) => nmap(server, scan, ports))])
  await Promise.all(SENTINELS.map((scan) => nmap(server, scan, SENTINEL_PORTS)))
}

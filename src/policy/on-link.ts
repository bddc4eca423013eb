import type { Topology } from '../facts/ip.ts'
import { formatCidr, isHost, type Network, networkOf } from '../network.ts'

/** A network that this server is on, and an interface in it. */
export interface OnLink {
  readonly network: Network
  readonly device: string
  /** This server's own address there. */
  readonly address: Network
}

/** The networks of both families that real interfaces are on, each once; single addresses (/32, /128) are left out. */
export const onLink = (topology: Topology | null): OnLink[] => {
  const found = (topology?.interfaces ?? [])
    .filter(({ isVirtual }) => !isVirtual)
    .flatMap(({ name, addresses }) =>
      addresses
        .filter((address) => !isHost(address))
        .map((address) => ({ network: networkOf(address), device: name, address })),
    )
  const first = new Map<string, OnLink>()
  for (const link of found) {
    const key = formatCidr(link.network)
    if (!first.has(key)) first.set(key, link)
  }
  return [...first.values()]
}

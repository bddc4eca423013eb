import { formatCidr, type Network } from '../network.ts'
import { counted, listed } from '../phrases.ts'
import type { Modes } from '../policy/release.ts'

/** `your LAN 192.168.1.0/24 and 2 more networks` */
export const networksInWords = (networks: readonly Network[], lan: Network | null): string => {
  const name = lan === null ? '' : formatCidr(lan)
  const others = networks.filter((network) => formatCidr(network) !== name).length
  if (others === networks.length) return counted(others, 'network')
  return `your LAN ${name}${others === 0 ? '' : ` and ${counted(others, 'more network')}`}`
}

export type Protocol = 'TCP' | 'UDP'

/** What portsentry watches of these protocols, with the variables that decide. */
export const modesInWords = (
  protocols: readonly Protocol[],
  { tcpMode, udpMode }: Modes,
): readonly string[] => {
  const modeOf = (protocol: Protocol) => (protocol === 'TCP' ? tcpMode : udpMode)
  const watched = protocols.filter((protocol) => modeOf(protocol) !== '')
  const modes = watched.map((protocol) => `${protocol} in mode ${modeOf(protocol)} (${protocol}_MODE)`)
  return [
    ...(modes.length > 0 ? [`watches ${listed(modes)}`] : []),
    ...protocols
      .filter((protocol) => !watched.includes(protocol))
      .map((protocol) => `does not watch ${protocol} (${protocol}_MODE is empty)`),
  ]
}

const UNITS_S = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** How long a jail bans: `for 1 day 12 hours`, `permanently`. */
export const banTimeInWords = (seconds: number): string => {
  if (seconds < 0) return 'permanently'
  let rest = seconds
  const parts = UNITS_S.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? [] : [counted(count, unit)]
  })
  return `for ${parts.join(' ')}`
}

/** The size of a file or of a download: `312 bytes`, `1.4 kB`, `31 MB`. */
export const sizeInWords = (bytes: number): string => {
  if (bytes < 1000) return counted(bytes, 'byte')
  const [unit, size] = bytes < 999_500 ? ['kB', 1000] : ['MB', 1_000_000]
  const count = bytes / Number(size)
  return `${count < 9.95 ? count.toFixed(1) : Math.round(count)} ${unit}`
}

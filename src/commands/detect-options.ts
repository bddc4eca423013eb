import type { Mode } from '../detector/decision.ts'
import { isConnectMode, isMode2 } from '../detector/modes.ts'
import type { Address } from '../detector/packet.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Port } from '../live-detection/sockets.ts'
import type { Source } from '../live-detection/watch.ts'
import { parseAddress } from '../network.ts'
import type { GlobalOptions } from './output.ts'

export interface DetectOptions extends GlobalOptions {
  readonly listen?: boolean
  readonly interface?: string
  readonly pcap?: string
  readonly mode?: readonly string[]
  readonly dryRun?: boolean
  readonly summary?: boolean
  readonly inUse?: string
  readonly address?: string
  readonly method?: string
}

/** Options that make no sense: a message for stderr, and exit code 64. */
export class Misuse extends Error {}

/** The modes of portsentry 1.2 and 2.x. */
export const MODES: readonly string[] = [
  'tcp',
  'stcp',
  'atcp',
  'udp',
  'sudp',
  'audp',
  'stealth',
  'connect',
] satisfies Mode[]

const isMode = (word: string): word is Mode => MODES.includes(word)

const PORT = /^(\d{1,5})(?:\/(tcp|udp))?$/

const parseInUse = (item: string): Port[] => {
  const [, port, protocol] = PORT.exec(item.trim()) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new Misuse(`--in-use: "${item}" is not a port such as 22 or 53/udp`)
  return (['tcp', 'udp'] as const)
    .filter((each) => protocol === undefined || each === protocol)
    .map((each) => ({ protocol: each, port: Number(port) }))
}

const parseOwnAddress = (item: string): Address => {
  const address = parseAddress(item.trim())
  if (address === null) throw new Misuse(`--address: "${item}" is not a valid IPv4 or IPv6 address`)
  return address
}

/** Which of the three sources is asked for, and with what. Throws Misuse. */
export const readSource = ({ listen, interface: name, pcap, inUse, address }: DetectOptions): Source => {
  if ([listen, name, pcap].filter((option) => option !== undefined).length !== 1)
    throw new Misuse('give one of --listen, --interface <name> and --pcap <file>')
  if (pcap === undefined && (inUse !== undefined || address !== undefined))
    throw new Misuse('--in-use and --address go with --pcap: a live server is asked itself')
  if (name === '') throw new Misuse('--interface needs a name')
  if (pcap === '') throw new Misuse('--pcap needs a file')
  if (name !== undefined) return { kind: 'interface', name }
  if (pcap === undefined) return { kind: 'listen' }
  return {
    kind: 'pcap',
    path: pcap,
    inUse: inUse?.split(',').flatMap(parseInUse) ?? [],
    addresses: address?.split(',').map(parseOwnAddress) ?? null,
  }
}

/** The given modes, checked against those of this dialect. Throws Misuse. */
const readModes = (given: readonly string[], dialect: Dialect): Mode[] => {
  const known = dialect === '1.2' ? 'tcp, stcp, atcp, udp, sudp, audp' : 'stealth, connect'
  const modes = [...new Set(given)].map((word) => {
    if (!isMode(word) || isMode2(word) !== (dialect === '2.x'))
      throw new Misuse(`--mode ${word}: the modes of this portsentry are ${known}`)
    return word
  })
  if (dialect === '2.x' && modes.length > 1) throw new Misuse('--mode: portsentry 2.x runs in one mode')
  return modes
}

/** The modes, checked against the other options. Throws Misuse. */
export const modesFor = (
  given: readonly string[],
  dialect: Dialect,
  source: Source,
  { method }: DetectOptions,
): Mode[] => {
  const modes = readModes(given, dialect)
  if (modes.length === 0) throw new Misuse('TCP_MODE and UDP_MODE are both empty: give a --mode')
  const raw = modes.filter((mode) => !isConnectMode(mode))
  if (source.kind === 'listen' && raw.length > 0) {
    const hint = dialect === '2.x' ? '--mode connect' : '--mode tcp, --mode udp or both'
    throw new Misuse(`--listen: ${raw.join(' and ')} read packets and open no ports: add ${hint}`)
  }
  if (method !== undefined && !modes.includes('stealth'))
    throw new Misuse('--method is for the mode stealth of portsentry 2.x')
  return modes
}

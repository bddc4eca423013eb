import type { Mode } from '../detector/decision.ts'
import { isConnectMode, isMode2, type Protocol } from '../detector/modes.ts'
import type { Address } from '../detector/packet.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { parseAddress } from '../network.ts'
import type { GlobalOptions } from './output.ts'

export interface DetectOptions extends GlobalOptions {
  readonly listen?: boolean
  readonly interface?: string
  readonly pcap?: string
  readonly mode?: readonly string[]
  readonly dryRun?: boolean
  readonly inUse?: string
  readonly address?: string
  readonly method?: string
}

/** Where the traffic comes from. */
export type Source =
  | { readonly kind: 'listen' }
  | { readonly kind: 'interface'; readonly name: string }
  | {
      readonly kind: 'pcap'
      readonly path: string
      /** `22/tcp` and so on: taken by services when the traffic was captured. */
      readonly inUse: ReadonlySet<string>
      /** Null: any destination is the server's. */
      readonly addresses: readonly Address[] | null
    }

/** Wrong usage: for stderr, and exit code 64. */
export interface Misuse {
  readonly misuse: string
}

/** Of both generations. */
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

const parseInUse = (text: string): ReadonlySet<string> | Misuse => {
  const taken = new Set<string>()
  for (const item of text.split(',')) {
    const [, port, protocol] = PORT.exec(item.trim()) ?? []
    if (port === undefined || Number(port) > 65_535)
      return { misuse: `--in-use: "${item}" is not a port such as 22 or 53/udp` }
    for (const each of protocol === undefined ? ['tcp', 'udp'] : [protocol])
      taken.add(`${Number(port)}/${each}`)
  }
  return taken
}

const parseAddresses = (text: string): Address[] | Misuse => {
  const addresses: Address[] = []
  for (const item of text.split(',')) {
    const address = parseAddress(item.trim())
    if (address === null) return { misuse: `--address: "${item}" is not a valid address` }
    addresses.push(address)
  }
  return addresses
}

/** Which of the three sources is asked for, and with what. */
export const readSource = (options: DetectOptions): Source | Misuse => {
  const { listen, interface: name, pcap, inUse, address } = options
  const given = [listen, name, pcap].filter((option) => option !== undefined)
  if (given.length !== 1) return { misuse: 'give one of --listen, --interface <interface> and --pcap <file>' }
  if (pcap === undefined) {
    if (inUse !== undefined || address !== undefined) {
      return { misuse: '--in-use and --address go with --pcap: a live server is looked at itself' }
    }
    if (name === '') return { misuse: '--interface needs a name' }
    return name === undefined ? { kind: 'listen' } : { kind: 'interface', name }
  }
  if (pcap === '') return { misuse: '--pcap needs a file' }
  const taken = inUse === undefined ? new Set<string>() : parseInUse(inUse)
  if ('misuse' in taken) return taken
  const addresses = address === undefined ? null : parseAddresses(address)
  if (addresses !== null && 'misuse' in addresses) return addresses
  return { kind: 'pcap', path: pcap, inUse: taken, addresses }
}

/** The key of `Source`'s `inUse`. */
export const portKey = (protocol: Protocol, port: number): string => `${port}/${protocol}`

/** The modes that were asked for on the command line, as this generation of portsentry knows them. */
export const readModes = (given: readonly string[], dialect: Dialect): Mode[] | Misuse => {
  const modes: Mode[] = []
  const known = dialect === '1.2' ? 'tcp, stcp, atcp, udp, sudp, audp' : 'stealth, connect'
  for (const word of new Set(given)) {
    if (!isMode(word) || isMode2(word) !== (dialect === '2.x')) {
      return { misuse: `--mode ${word}: the modes of this portsentry are ${known}` }
    }
    modes.push(word)
  }
  if (dialect === '2.x' && modes.length > 1) return { misuse: '--mode: portsentry 2.x runs in one mode' }
  return modes
}

/** What of source, modes and method does not go together; null where all does. */
export const checkTogether = (
  source: Source,
  modes: readonly Mode[],
  { method }: DetectOptions,
): Misuse | null => {
  if (modes.length === 0) return { misuse: 'TCP_MODE and UDP_MODE are both empty: give a --mode' }
  const raw = modes.filter((mode) => !isConnectMode(mode))
  if (source.kind === 'listen' && raw.length > 0) {
    const hint = isMode2(raw[0] ?? 'atcp') ? '--mode connect' : '--mode tcp, --mode udp or both'
    return { misuse: `--listen: ${raw.join(' and ')} read packets and open no ports: add ${hint}` }
  }
  if (method === undefined) return null
  return modes.includes('stealth') ? null : { misuse: '--method is for the mode stealth of portsentry 2.x' }
}

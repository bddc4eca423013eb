import type { Mode } from './decision.ts'
import type { Packet } from './packet.ts'

export type Protocol = Packet['protocol']

const PROTOCOLS: Record<Mode, readonly Protocol[]> = {
  tcp: ['tcp'],
  stcp: ['tcp'],
  atcp: ['tcp'],
  udp: ['udp'],
  sudp: ['udp'],
  audp: ['udp'],
  stealth: ['tcp', 'udp'],
  connect: ['tcp', 'udp'],
}

/** The protocols that a daemon in this mode watches. */
export const protocolsOf = (mode: Mode): readonly Protocol[] => PROTOCOLS[mode]

/** Whether the daemon opens the ports itself and waits for connections; otherwise it reads packets. */
export const isConnectMode = (mode: Mode): boolean => mode === 'tcp' || mode === 'udp' || mode === 'connect'

/** Whether a daemon in this mode does not see packets that the firewall drops. 2.x reads the wire, unless it listens. */
export const isBehindFirewall = (mode: Mode): boolean => mode !== 'stealth'

/** Whether the mode is one of portsentry 2.x. */
export const isMode2 = (mode: Mode): boolean => mode === 'stealth' || mode === 'connect'

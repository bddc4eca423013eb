import { unmapped } from '../documents/client-patterns.ts'
import { formatAddress, isHost, parseNetwork } from '../network.ts'

/** A TCP socket of /proc/net/tcp or tcp6 that listens, or that has a peer. */
export interface TcpSocket {
  readonly state: 'listening' | 'established'
  readonly port: number
  /** The other end: 4 or 16 bytes in network order, all zero for one that listens. */
  readonly peer: readonly number[]
  readonly inode: string
}

/** Local port, remote address, state (proc(5)), and the inode six columns on. */
const LINE = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+):[\dA-F]{4} (01|0A) \S+ \S+ \S+ +\d+ +\d+ (\d+) /

/** The kernel prints an address as words of 32 bits, each in the machine's own byte order. */
const readBytes = (hexadecimal: string, isLittleEndian: boolean): number[] =>
  (hexadecimal.match(/.{8}/g) ?? []).flatMap((word) => {
    const bytes = (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))
    return isLittleEndian ? bytes.reverse() : bytes
  })

/** Sockets in the text of /proc/net/tcp or /proc/net/tcp6 that listen or are connected. */
export const parseTcpTable = (text: string, isLittleEndian: boolean): TcpSocket[] =>
  text.split('\n').flatMap((line): TcpSocket[] => {
    const [, port = '', peer = '', state, inode] = LINE.exec(line) ?? []
    if (inode === undefined) return []
    return [
      {
        state: state === '0A' ? 'listening' : 'established',
        port: Number.parseInt(port, 16),
        peer: readBytes(peer, isLittleEndian),
        inode,
      },
    ]
  })

/** `ADDRESS PORT ADDRESS PORT`: client, then server, as sshd puts it into the environment. */
export interface SshConnection {
  readonly client: string
  /** Null where the variable does not tell. */
  readonly port: number | null
}

/** SSH_CONNECTION in an environment as /proc/PID/environ gives it, or null. */
export const parseSshConnection = (environment: string): SshConnection | null => {
  const [, client, port] =
    /(?:^|\0)SSH_CONNECTION=([^ \0]+) (?:\d+ [^ \0]+ (\d{1,5})(?=\0|$))?/.exec(environment) ?? []
  if (client === undefined) return null
  return { client: client.replace(/%.*$/, ''), port: port === undefined ? null : Number(port) }
}

/**
 * Whether a process by the name of sshd is one that serves a connection, and not the server itself: that one shows
 * the command by which it was started, since OpenSSH 8.2 as `sshd: /usr/sbin/sshd -D [listener] …`.
 */
export const isSshSession = (commandLine: string): boolean =>
  commandLine.startsWith('sshd: ') && !commandLine.includes('[listener]')

const isLoopback = (bytes: readonly number[]): boolean =>
  bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index < 15 ? 0 : 1))

/** sshd's own default, for where its sockets cannot be told: without root, or where systemd listens for it. */
const SSH_PORT = 22

/**
 * Where SSH sessions come from, each once, this process's own first. Any of them may be the administrator's: tmux and
 * screen go on when the connection that they were started in has ended, so that their environment names an old one.
 * `inodes` are the sockets of the sshd that listens. Loopback is left out.
 */
export const findSshClients = (
  own: SshConnection | null,
  sockets: readonly TcpSocket[],
  inodes: ReadonlySet<string>,
): string[] => {
  const listening = sockets.filter(({ state, inode }) => state === 'listening' && inodes.has(inode))
  const ports = new Set(listening.length > 0 ? listening.map(({ port }) => port) : [SSH_PORT])
  if (own !== null && own.port !== null) ports.add(own.port)
  const peers = sockets
    .filter(({ state, port }) => state === 'established' && ports.has(port))
    .map(({ peer }) => ({ bytes: peer, prefix: peer.length * 8 }))
  const given = parseNetwork(own?.client ?? '')
  const hosts = [...(given !== null && isHost(given) ? [given] : []), ...peers].map(unmapped)
  return [
    ...new Set(hosts.filter(({ bytes }) => !isLoopback(bytes)).map(({ bytes }) => formatAddress(bytes))),
  ]
}

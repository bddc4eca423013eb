import { formatAddress, isHost, isLoopback, parseNetwork, unmapped } from '../network.ts'
import { type ProcessEntry, readProcFile, readSocketInodes, type Socket } from './procfs.ts'

// Where SSH sessions to this server come from.

/** `ADDRESS PORT ADDRESS PORT`: client, then server, as sshd puts it into the environment. */
export interface SshConnection {
  readonly client: string
  /** Null if the variable does not contain it. */
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
 * Whether a process is the sshd that listens, and not one that serves a session: the listener shows the command that started
 * it, since OpenSSH 8.2 as `sshd: /usr/sbin/sshd -D [listener] …`.
 */
export const isSshListener = ({ name, args }: Pick<ProcessEntry, 'name' | 'args'>): boolean => {
  const commandLine = args.join(' ')
  return name === 'sshd' && (!commandLine.startsWith('sshd: ') || commandLine.includes('[listener]'))
}

/** sshd's own default, for where its sockets cannot be determined: without root, or where systemd listens for it. */
const SSH_PORT = 22

/**
 * Where SSH sessions come from, each once, this process's own first. Any of them may be the administrator's: tmux and
 * screen continue when the connection that they were started in has ended, so that their environment names an old one.
 * `inodes` are the sockets of the sshd that listens. Loopback is left out.
 */
export const findSshClients = (
  own: SshConnection | null,
  sockets: readonly Socket[],
  inodes: ReadonlySet<string>,
): string[] => {
  const tcp = sockets.filter(({ table }) => table === 'tcp')
  const listening = tcp.filter(({ state, inode }) => state === 'listening' && inodes.has(inode))
  const ports = new Set(listening.length > 0 ? listening.map(({ number }) => number) : [SSH_PORT])
  if (own !== null && own.port !== null) ports.add(own.port)
  const peers = tcp
    .filter(({ state, number }) => state === 'established' && ports.has(number))
    .map(({ peer }) => ({ bytes: peer, prefix: peer.length * 8 }))
  const given = parseNetwork(own?.client ?? '')
  const hosts = [...(given !== null && isHost(given) ? [given] : []), ...peers].map(unmapped)
  return [
    ...new Set(hosts.filter(({ bytes }) => !isLoopback(bytes)).map(({ bytes }) => formatAddress(bytes))),
  ]
}

/** SSH_CONNECTION of this process, or, since sudo and su clear it, of an ancestor. Null outside of SSH. */
const readSshConnection = async (processes: readonly ProcessEntry[]): Promise<SshConnection | null> => {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]))
  let pid = process.pid
  for (let generation = 0; pid > 1 && generation < 32; generation += 1) {
    const connection = parseSshConnection(await readProcFile(`/proc/${pid}/environ`).catch(() => ''))
    if (connection !== null) return connection
    pid = parents.get(pid) ?? 0
  }
  return null
}

/** Where SSH sessions to this server come from. */
export interface SshClients {
  /** Of the session that this process runs in; null outside of SSH. */
  readonly sshSession: string | null
  /** All of them, that one first. */
  readonly sshClients: readonly string[]
}

/**
 * Where SSH sessions to this server come from; loopback left out. Sessions in other network namespaces (containers) have sockets
 * of their own and do not count.
 */
export const readSshClients = async (
  processes: readonly ProcessEntry[],
  sockets: readonly Socket[],
): Promise<SshClients> => {
  const listeners = processes.filter(isSshListener)
  const [connection, ...inodes] = await Promise.all([
    readSshConnection(processes),
    ...listeners.map(({ pid }) => readSocketInodes(pid)),
  ])
  return {
    sshSession: findSshClients(connection, [], new Set())[0] ?? null,
    sshClients: findSshClients(connection, sockets, new Set(inodes.flatMap((found) => found ?? []))),
  }
}

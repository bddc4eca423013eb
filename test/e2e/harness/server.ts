import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { cacheDirectory, type Suite } from './base-image.ts'
import { unpackBundle } from './bundle.ts'
import { serverCgroups } from './cgroups.ts'
import { type Container, startContainer } from './container.ts'
import { eventually } from './eventually.ts'
import { type Floor, layersOf } from './floors.ts'
import { addresses, createNetwork, type Make, type Network, networkOf, renewServer } from './network.ts'
import { createPeer, type Peer, startListener } from './peer.ts'
import { createShell, type Shell } from './shell.ts'
import { armTeardown, type Teardown } from './teardown.ts'

/** One Debian server with an attacker and a LAN peer. Its shell works while it is shut down, too (a chroot). */
export interface Server extends Shell {
  name: string
  network: Network
  /** Process id of its init, from outside; 0 while it is shut down. */
  leader(): number
  attacker: Peer
  lan: Peer
  /** Greets on this port of the server from now to `stop`, through reboots. */
  listen(port: number): Promise<void>
  boot(): Promise<void>
  shutDown(): Promise<void>
  /** Shuts down and boots; as on any machine, firewall rules, routes and /run are gone then. */
  reboot(): Promise<void>
  /** Puts the built bundle under /usr/local; `npm run build` comes first. */
  installPortward(): Promise<void>
  /** Shuts down, for good. Returns the directory of all that it has changed on the floor that it was started from. */
  freeze(): Promise<string>
  /** Ends it and removes all of it. */
  stop(): Promise<void>
}

export interface ServerOptions {
  suite?: Suite
  /** What it has already; `bare` unless told. */
  floor?: Floor
  /** false: a container without systemd, where packages fall back to init scripts. */
  boot?: boolean
  /** Runs before the first boot, when nothing of the server runs yet. */
  prepare?: (server: Server) => Promise<void>
}

interface Site {
  name: string
  directory: string
  cgroups: string[]
  boot: boolean
  teardown: Teardown
  make: Make
}

const createServer = (site: Site): Server => {
  const root = join(site.directory, 'root')
  const consoleLog = join(site.directory, 'console.log')
  const network = networkOf(site.name)
  const { held, tearDown } = site.teardown
  const listeners = new Map<number, () => Promise<void>>()
  let container: Container | undefined

  const chroot = ['unshare', '--pid', '--fork', '--kill-child', `--mount-proc=${root}/proc`, 'chroot', root]
  const shell = createShell(() =>
    container
      ? ['nsenter', '-t', String(container.leader), '-a']
      : ['ip', 'netns', 'exec', network.server, ...chroot],
  )

  const listen = async (port: number) => {
    listeners.set(port, await startListener(network.server, port))
  }

  const boot = async () => {
    if (container) return
    const { name, cgroups } = site
    container = await startContainer({
      ...{ name, root, namespace: network.server, cgroups, consoleLog, boot: site.boot, held },
    })
    if (!site.boot) return
    await eventually(
      `${name} is up`,
      async () => {
        const { stdout } = await shell.run('systemctl is-system-running', { allowFailure: true })
        return ['running', 'degraded'].includes(stdout)
      },
      // The first boot of some applies, with all its packages; one that fails ends as degraded at once.
      { timeoutMs: 600_000 },
    ).catch(async (cause) => {
      throw new Error(`${name} did not boot:\n${await readFile(consoleLog, 'utf8')}`, { cause })
    })
  }

  const shutDown = async () => {
    await container?.shutDown()
    container = undefined
  }

  return {
    ...shell,
    name: site.name,
    leader: () => container?.leader ?? 0,
    network,
    attacker: createPeer(network.attacker, addresses.server.wan),
    lan: createPeer(network.lan, addresses.server.lan),
    listen,
    boot,
    shutDown,
    reboot: async () => {
      await shutDown()
      const ports = [...listeners.keys()]
      await Promise.all([...listeners.values()].map((end) => end()))
      await renewServer(site.make, network)
      await Promise.all(ports.map(listen))
      await boot()
    },
    installPortward: async () => {
      await unpackBundle(shell, '/usr/local/lib/portward')
      await shell.run('ln -sf ../lib/portward/bin/portward /usr/local/bin/portward')
    },
    freeze: async () => {
      await shutDown()
      await site.make`umount ${root}`
      return join(site.directory, 'upper')
    },
    stop: tearDown,
  }
}

let count = 0

/** Starts a server on these overlay layers, the topmost first. */
const startOn = async (layers: readonly string[], options: ServerOptions): Promise<Server> => {
  const { boot = true, prepare } = options
  count += 1
  const name = `pw-${process.pid}-${count}`
  const directory = join(cacheDirectory(), 'servers', name)
  const cgroups = serverCgroups(name)
  const teardown = armTeardown(name, directory, cgroups)
  const make = $({ stdio: ['ignore', 'pipe', 'pipe', teardown.held] })
  try {
    for (const part of ['root', 'upper', 'work']) await mkdir(join(directory, part), { recursive: true })
    // Nothing of it outlives the test: waiting for the disk at each of dpkg's and portward's syncs would be for nothing.
    const overlay = `volatile,lowerdir=${layers.join(':')},upperdir=${directory}/upper,workdir=${directory}/work`
    await make`mount -t overlay portward-e2e -o ${overlay} ${directory}/root`
    await createNetwork(make, networkOf(name))
    const server = createServer({ name, directory, cgroups, boot, teardown, make })
    await prepare?.(server)
    await server.boot()
    return server
  } catch (error) {
    await teardown.tearDown()
    throw error
  }
}

/** Starts a server of its own from a floor of a suite. Whatever becomes of the test, all of it goes away. */
export const startServer = async (options: ServerOptions = {}): Promise<Server> => {
  const { suite = 'bookworm', floor = 'bare' } = options
  return startOn(await layersOf(suite, floor, (layers) => startOn(layers, {})), options)
}

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { checkout } from '../../checkout.ts'
import { baseImage, cacheDirectory, type Suite } from './base-image.ts'
import { bundleArchive } from './bundle.ts'
import type { Server } from './server.ts'

/**
 * What a server has before a test begins: nothing but the base image; the packages that portward asks for, as apt leaves
 * them; these and ufw or firewalld, switched on with `OPEN_PORT` let through; or a finished `portward apply` of this
 * checkout's bundle with `DEFAULT_CONFIG`. The others are for one test file each.
 */
export type Floor =
  | 'bare'
  | 'installed'
  | 'ufw'
  | 'firewalld'
  | 'provisioned'
  | 'minimal'
  | 'cloud-init'
  | 'cloud-init-installed'
  | 'ssh-installed'
  | 'ansible'

/** A port with a service, which a banned host cannot reach. */
export const OPEN_PORT = 8080

export const DEFAULT_CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\n'

/** The command that installs packages; those in the base image's cache need no network. */
export const install = (packages: string): string =>
  `DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ${packages}`

/** The packages that portward requires, installed manually. */
const INSTALL = install('portsentry fail2ban tcpd iptables ipset python3-systemd')

const UFW = `${install('ufw nftables')} && ufw allow ${OPEN_PORT}/tcp && ufw --force enable`
const FIREWALLD = `${install('firewalld nftables')} && systemctl start firewalld && firewall-cmd --permanent --add-port=${OPEN_PORT}/tcp && firewall-cmd --reload`

/** A minimal Debian, without the extras of the tests' servers, but with a reader for manual pages. */
const MINIMIZE = `set -e
  ${install('man-db')}
  DEBIAN_FRONTEND=noninteractive apt-get purge -y -q --autoremove nodejs python3 iproute2 procps attr`

/** An image that waits for its first boot. Its network is there before, and it has no locales to choose from. */
const CLOUD_INIT = `set -e
  ${install('cloud-init openssh-server')}
  printf '%s\\n' 'network: { config: disabled }' 'locale: false' >/etc/cloud/cloud.cfg.d/99-image.cfg
  cloud-init clean --logs`

/** A controller, with the collection of this checkout's `ansible` built and installed as its README says. */
const ANSIBLE = `set -e
  ${install('ansible-core openssh-client')}
  ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
  mkdir /etc/ansible
  printf '%s\\n' '[defaults]' inventory=/root/inventory.json collections_path=/root/collections \\
    remote_user=root interpreter_python=/usr/bin/python3 '[connection]' pipelining=True >/etc/ansible/ansible.cfg
  tar -x -C /root
  ansible-galaxy collection build /root/ansible --output-path /root
  ansible-galaxy collection install --offline /root/portward-portward-*.tar.gz`

/** The sources of the Ansible collection, as an archive that does not depend on the time and owner of the checkout. */
const collection = async (): Promise<Uint8Array> => {
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=go-w']
  const { stdout } = await execa('tar', ['-C', checkout, ...options, '-c', 'ansible'], { encoding: 'buffer' })
  return stdout
}

interface Recipe {
  readonly below: Floor
  /** Builds the floor on a running server of the floor below. */
  readonly build: (server: Server) => Promise<void>
  /** Everything that the result of `build` depends on, apart from the floor below. */
  readonly inputs: () => Promise<readonly (string | Uint8Array)[]>
}

const commandOn = (below: Floor, command: string): Recipe => ({
  below,
  build: async (server) => {
    await server.run(command, { timeoutMs: 300_000 })
  },
  inputs: async () => [command],
})

const RECIPES: Readonly<Record<Exclude<Floor, 'bare'>, Recipe>> = {
  installed: commandOn('bare', INSTALL),
  ufw: commandOn('installed', UFW),
  firewalld: commandOn('installed', FIREWALLD),
  provisioned: {
    below: 'installed',
    build: async (server) => {
      await server.installPortward()
      await server.write('/root/config.env', DEFAULT_CONFIG, 0o600)
      await server.run('portward apply --yes')
    },
    inputs: async () => [DEFAULT_CONFIG, await bundleArchive()],
  },
  minimal: commandOn('bare', MINIMIZE),
  'cloud-init': commandOn('bare', CLOUD_INIT),
  'cloud-init-installed': commandOn('installed', CLOUD_INIT),
  'ssh-installed': commandOn('installed', install('openssh-server')),
  ansible: {
    below: 'bare',
    build: async (server) => {
      await server.run(ANSIBLE, { stdin: await collection(), timeoutMs: 300_000 })
    },
    inputs: async () => [ANSIBLE, await collection()],
  },
}

/** Holds a lock for as long as `work` takes, or this process lives. */
const withLock = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(holder, 'exit')
  await Promise.race([once(holder.stdout, 'data'), ended])
  if (holder.exitCode !== null) throw new Error(`cannot lock ${path}`)
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}

const DAY_MS = 86_400_000

/** Floors of earlier builds: those that are a day old are no longer in use. */
const prune = async (directory: string, prefix: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if (!name.startsWith(prefix) || Date.now() - (await stat(path)).mtimeMs < DAY_MS) continue
    await rm(path, { recursive: true, force: true })
  }
}

/**
 * The overlay layers of a floor, topmost first. What is not in the cache is built, once, whatever number of test processes
 * ask for it; `start` boots a server on some layers.
 */
export const layersOf = async (
  suite: Suite,
  floor: Floor,
  start: (layers: readonly string[]) => Promise<Server>,
): Promise<readonly string[]> => {
  if (floor === 'bare') return [await baseImage(suite)]
  const { below, build, inputs } = RECIPES[floor]
  const layers = await layersOf(suite, below, start)
  const hash = createHash('sha256').update(basename(layers[0] ?? ''))
  for (const input of await inputs()) hash.update(input)
  const directory = join(cacheDirectory(), 'floors')
  const prefix = `${suite}-${floor}-`
  const target = join(directory, prefix + hash.digest('hex').slice(0, 12))
  await mkdir(directory, { recursive: true })
  if (!existsSync(target)) {
    await withLock(join(cacheDirectory(), `${prefix}lock`), async () => {
      if (existsSync(target)) return
      await prune(directory, prefix)
      const server = await start(layers)
      try {
        await build(server)
        await rename(await server.freeze(), target)
      } finally {
        await server.stop()
      }
    })
  }
  return [target, ...layers]
}

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { baseImage, cacheDirectory, type Suite } from './base-image.ts'
import type { Server } from './server.ts'

/**
 * What a server has before a test begins: nothing but the base image; the packages that portward asks for, as apt leaves
 * them; or a finished `portward apply` of this checkout's bundle with `DEFAULT_CONFIG`.
 */
export type Floor = 'bare' | 'installed' | 'provisioned'

export const DEFAULT_CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\n'

/** The packages that portward asks for, installed by hand: what its diff is against. */
const INSTALL =
  'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends portsentry fail2ban tcpd iptables python3-systemd'

const checkout = join(import.meta.dirname, '../../..')

interface Recipe {
  readonly below: Floor
  /** Makes the floor on a running server of the floor below. */
  readonly build: (server: Server) => Promise<void>
  /** All that decides what `build` makes, beside the floor below. */
  readonly inputs: () => Promise<readonly (string | Uint8Array)[]>
}

const RECIPES: Readonly<Record<Exclude<Floor, 'bare'>, Recipe>> = {
  installed: {
    below: 'bare',
    build: async (server) => {
      await server.run(INSTALL)
    },
    inputs: async () => [INSTALL],
  },
  provisioned: {
    below: 'installed',
    build: async (server) => {
      await server.installPortward()
      await server.write('/root/config.env', DEFAULT_CONFIG, 0o600)
      await server.run('portward apply --yes')
    },
    inputs: async () => [
      DEFAULT_CONFIG,
      await readFile(join(checkout, 'dist/portward.mjs')),
      await readFile(join(checkout, 'bin/portward')),
    ],
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

/** Floors of earlier builds: nobody boots from one that is a day old. */
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

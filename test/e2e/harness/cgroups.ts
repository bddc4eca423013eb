import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where systemd keeps processes on this machine: the unified hierarchy, the named v1 hierarchy, or both
 * (hybrid). Empty where neither is mounted.
 */
const hierarchies = (): string[] => {
  const own = new Map<string, string>()
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    own.set(controllers, path)
  }
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, mountPoint = '', type, options = ''] = line.split(' ')
      const named = type === 'cgroup' && options.split(',').includes('name=systemd')
      if (type !== 'cgroup2' && !named) return []
      const path = own.get(named ? 'name=systemd' : '')
      return path === undefined ? [] : [join(mountPoint, path)]
    })
}

/**
 * The control groups that one server shall live in. Each needs its own: with --keep-unit systemd-nspawn puts
 * the payload into `payload` beside itself, so two servers started from one group would share it, and the
 * systemd of one would end the processes of the other when it shuts down.
 */
export const serverCgroups = (name: string): string[] => hierarchies().map((path) => join(path, name))

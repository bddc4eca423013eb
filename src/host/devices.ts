import { readJson } from '../read-json.ts'
import type { LabDevice } from './lab/specification.ts'
import { tryRun } from './process.ts'

interface Interface {
  readonly ifname?: string
  readonly flags?: readonly string[]
  readonly addr_info?: readonly {
    readonly local?: string
    readonly prefixlen?: number
    readonly scope?: string
  }[]
}

/** All interfaces, in the kernel's order, with the addresses that others reach; loopback left out. */
export const readDevices = async (): Promise<LabDevice[]> => {
  const { stdout } = await tryRun('ip', ['-json', 'address'])
  const interfaces = readJson<readonly Interface[]>(stdout)
  return (Array.isArray(interfaces) ? interfaces : []).flatMap(
    ({ ifname, flags, addr_info }: Interface): LabDevice[] => {
      if (ifname === undefined || flags?.includes('LOOPBACK')) return []
      const own = (addr_info ?? []).filter(({ scope }) => scope === 'global')
      return [{ name: ifname, addresses: own.map(({ local, prefixlen }) => `${local}/${prefixlen}`) }]
    },
  )
}

/** The interface of the default route, IPv4's first; null where there is none. */
export const readOutside = async (): Promise<string | null> => {
  for (const family of ['-4', '-6']) {
    const { stdout } = await tryRun('ip', ['-json', family, 'route', 'show', 'default'])
    const routes = readJson<readonly { readonly dev?: string }[]>(stdout)
    const device = Array.isArray(routes) ? routes[0]?.dev : undefined
    if (typeof device === 'string') return device
  }
  return null
}

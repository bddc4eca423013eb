import { canonicalNetwork } from '../network.ts'
import { readJson } from '../read-json.ts'
import type { Ban } from './firewall-bans.ts'

/** Asked for one protocol, `ip` does not name it; so all routes are listed. */
export const listRoutes = (family: '-4' | '-6'): readonly string[] => ['ip', '-json', family, 'route', 'show']

/** Marks portward's routes, as the backend `route` writes them. */
const PORTWARD_PROTOCOL = '211'

const BLACKHOLES: ReadonlySet<string> = new Set(['blackhole', 'unreachable', 'prohibit'])

interface Route {
  readonly type?: string
  readonly dst?: string
  readonly metric?: number
  readonly protocol?: string
}

/** Routes that ban one host, portward's own and those of others, in what `ip -json route show` prints. */
export const parseRouteBans = (text: string): Ban[] => {
  const routes = readJson<readonly Route[]>(text)
  return (Array.isArray(routes) ? routes : []).flatMap(({ type = '', dst = '', metric, protocol }): Ban[] => {
    const address = canonicalNetwork(dst)
    const isOwn = protocol === PORTWARD_PROTOCOL
    if (address === null || (!isOwn && (!BLACKHOLES.has(type) || address.includes('/')))) return []
    const which = [
      ...(protocol === undefined ? [] : ['proto', protocol]),
      ...(metric === undefined || isOwn ? [] : ['metric', String(metric)]),
    ]
    const family = address.includes(':') ? '-6' : '-4'
    const undo = ['ip', family, 'route', 'del', type, address, ...which]
    return [{ address, where: 'blackhole route', isOwn, untilMs: null, undo }]
  })
}

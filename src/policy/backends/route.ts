import { readJson } from '../../read-json.ts'
import { type BackendDefinition, DIRECTORY, KEPT, type Member, nameOf } from './definition.ts'

/** Marks portward's routes. Daemons that make routes have numbers of their own, which end at 198 (FRR's). */
const ROUTE_PROTOCOL = '211'

interface Route {
  readonly type?: string
  readonly dst?: string
  readonly metric?: number
  readonly protocol?: string
}

/** What `ip -json route show` prints. */
export const readRoutes = (text: string): readonly Route[] => {
  const routes = readJson<readonly Route[]>(text)
  return Array.isArray(routes) ? routes : []
}

/** Portward's own among these routes. */
export const membersOf = (routes: readonly Route[]): Member[] =>
  routes.flatMap(({ dst = '', protocol }): Member[] => {
    const address = protocol === ROUTE_PROTOCOL ? nameOf(dst) : null
    if (address === null) return []
    const family = address.includes(':') ? '-6' : '-4'
    const undo = ['ip', family, 'route', 'del', 'blackhole', address, 'proto', ROUTE_PROTOCOL]
    return [{ address, secondsLeft: null, undo }]
  })

/** Kernel routes have no timeout: fail2ban ends these bans, and the loader those that ended while it was stopped. */
const FLUSH_ROUTES = `route flush table all proto ${ROUTE_PROTOCOL}`

export const route: BackendDefinition = {
  packages: [],
  files: () => new Map([[`${DIRECTORY}/rules.route`, `${KEPT}\n${FLUSH_ROUTES}\n`]]),
  rules: `${DIRECTORY}/rules.route`,
  script: 'ip -force -batch -',
  add: `route replace blackhole {element} proto ${ROUTE_PROTOCOL}`,
  delete: `route del blackhole {element} proto ${ROUTE_PROTOCOL}`,
  timeout: '',
  flush: [FLUSH_ROUTES],
  hook: () => [],
  ban: () => `ip route replace blackhole $TARGET$ proto ${ROUTE_PROTOCOL}`,
  check: () => 'true',
  remove: () => [
    `ip -4 route flush proto ${ROUTE_PROTOCOL}`,
    `! test -e /proc/net/if_inet6 || ip -6 route flush proto ${ROUTE_PROTOCOL}`,
  ],
  // Asked for one protocol, `ip` does not name it.
  list: [
    ['ip', '-json', '-4', 'route', 'show'],
    ['ip', '-json', '-6', 'route', 'show'],
  ],
  parse: (text) => membersOf(readRoutes(text)),
}

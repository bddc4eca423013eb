import { ROUTE_PROTOCOL } from '../../network.ts'
import { type BackendDefinition, DIRECTORY, KEPT } from './definition.ts'

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
  isInForce: () => true,
  check: () => 'true',
  remove: () => [
    `ip -4 route flush proto ${ROUTE_PROTOCOL}`,
    `! test -e /proc/net/if_inet6 || ip -6 route flush proto ${ROUTE_PROTOCOL}`,
  ],
}

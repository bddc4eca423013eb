import { IGNORED, portList, type Setup } from './matrix.ts'

/** Everything of a run is in here, in memory: on the server, gone with it. */
export const DIRECTORY = '/run/conformance'

export const FILES = {
  ignore: `${DIRECTORY}/ignore`,
  history: `${DIRECTORY}/history`,
  blocked: `${DIRECTORY}/blocked`,
  commands: `${DIRECTORY}/commands`,
  log: `${DIRECTORY}/log`,
  hostsDeny: '/etc/hosts.deny',
} as const

/** Where each generation finds its configuration; 1.2 has the path compiled in. */
export const CONF = '/etc/portsentry/portsentry.conf'

export const HOSTS_DENY_HEAD = '# kept\n'

export const ignoreText = `${IGNORED.join('\n')}\n`

/** Kill commands leave the wire alone: they only write down that they ran. */
export const confText = (setup: Setup): string => {
  const ports = portList(setup)
  const keys: Record<string, string> = {
    TCP_PORTS: ports,
    UDP_PORTS: ports,
    ...(setup.version === '1.2' && {
      ADVANCED_PORTS_TCP: '1024',
      ADVANCED_PORTS_UDP: '1024',
      ADVANCED_EXCLUDE_TCP: '300',
      ADVANCED_EXCLUDE_UDP: '300',
    }),
    IGNORE_FILE: FILES.ignore,
    HISTORY_FILE: FILES.history,
    BLOCKED_FILE: FILES.blocked,
    RESOLVE_HOST: '0',
    BLOCK_TCP: String(setup.block),
    BLOCK_UDP: String(setup.block),
    KILL_ROUTE: `echo route $TARGET$ $PORT$ $MODE$ >>${FILES.commands}`,
    KILL_HOSTS_DENY: 'ALL: $TARGET$ : DENY',
    KILL_RUN_CMD: `echo run $TARGET$ $PORT$ $MODE$ >>${FILES.commands}`,
    KILL_RUN_CMD_FIRST: setup.commandFirst ? '1' : '0',
    SCAN_TRIGGER: String(setup.trigger),
  }
  return Object.entries(keys)
    .map(([key, value]) => `${key}="${value}"\n`)
    .join('')
}

import { type Configuration, readConfiguration } from '../../detector/configuration.ts'
import type { Mode } from '../../detector/decision.ts'
import { getKey, type PortsentryConf } from '../../documents/portsentry-conf.ts'
import { serviceOf } from '../../policy/daemons.ts'
import type { DaemonProcess } from '../../policy/facts.ts'
import { isVisibleBan } from '../../policy/kill-route.ts'
import { judgeLiveness } from '../../policy/liveness.ts'
import type { Release } from '../../policy/release.ts'
import { HostError } from '../host-error.ts'
import { readConf } from '../portsentry-files.ts'
import { readDaemons } from '../processes.ts'
import { NotInstalled, readRelease } from '../release.ts'

/** Who looks at which server or tree, and what can be told of its portsentry. A wrong config.env hides no ban. */
export interface Vantage {
  readonly root: string
  /** Whether this is the running server, and who asks may look at everything. */
  readonly isLive: boolean
  readonly asRoot: boolean
  /** Null: no portsentry is installed, or none that is known; `remark` says which. */
  readonly release: Release | null
  readonly conf: PortsentryConf | null
  readonly remark: string
  /** Whether no portsentry is installed: then it has no blocked file either. */
  readonly isAbsent: boolean
  /** The modes in which daemons run; empty in a tree. */
  readonly modes: readonly Mode[]
  /** Portsentry's daemons themselves. */
  readonly daemons: readonly DaemonProcess[]
  /** Those of them that cannot notice a scan, though they run, and why. */
  readonly deaf: ReadonlyMap<Mode, string>
}

/** The mode that a daemon's arguments mean. */
const modeOf = ({ args }: DaemonProcess, { dialect }: Release): Mode => {
  if (dialect === '2.x') return args.includes('--connect') ? 'connect' : 'stealth'
  return (args.find((word) => /^-[as]?(?:tcp|udp)$/.test(word))?.slice(1) ?? 'tcp') as Mode
}

const ifThere = async <T>(read: () => Promise<T>): Promise<T | HostError> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof HostError) return error
    throw error
  }
}

/**
 * Looks around. `asked` names the release of a copy of /etc that does not tell. Throws nothing that an administrator could
 * not go on without.
 */
export const readVantage = async (root: string, asked?: string): Promise<Vantage> => {
  const isLive = root === '/'
  const [found, daemons] = await Promise.all([
    ifThere(() => readRelease(root, asked)),
    isLive ? readDaemons() : [],
  ])
  const release = found instanceof HostError ? null : found
  const conf = release === null ? null : await ifThere(() => readConf(root, release))
  const trouble = [found, conf].find((one) => one instanceof HostError)
  const running = daemons.filter((daemon) => serviceOf(daemon) === 'portsentry')
  const modes = release === null ? [] : running.map((daemon) => ({ mode: modeOf(daemon, release), daemon }))
  return {
    root,
    isLive,
    asRoot: process.getuid?.() === 0,
    release,
    conf: conf instanceof HostError ? null : conf,
    remark: trouble instanceof HostError ? trouble.message : '',
    isAbsent: found instanceof NotInstalled,
    daemons: running,
    modes: [...new Set(modes.map(({ mode }) => mode))].sort(),
    deaf: new Map(
      modes.flatMap(({ mode, daemon }) => {
        const { watches, details } = judgeLiveness(daemon.args, daemon.liveness)
        return watches === false ? [[mode, details] as const] : []
      }),
    ),
  }
}

/** What the daemons take from portsentry.conf where the mode makes no difference; null without one. */
export const anyConfiguration = ({ release, conf, modes }: Vantage): Configuration | null => {
  if (release === null || conf === null) return null
  const mode = modes[0] ?? (release.dialect === '1.2' ? 'atcp' : 'stealth')
  return readConfiguration(conf, mode, release.confPath).configuration
}

/** Whether portsentry's bans are to get into the firewall, and into hosts.deny by its own hand. */
export const sendsBans = (vantage: Vantage, to: 'firewall' | 'hosts.deny'): boolean => {
  const { conf } = vantage
  const block = anyConfiguration(vantage)?.block
  if (conf === null || (block?.tcp !== 1 && block?.udp !== 1)) return false
  return to === 'firewall'
    ? isVisibleBan(getKey(conf, 'KILL_ROUTE') ?? '')
    : (getKey(conf, 'KILL_HOSTS_DENY') ?? '') !== ''
}

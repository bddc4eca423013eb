import { join } from 'node:path'
import { type Configuration, readConfiguration } from '../detector/configuration.ts'
import type { Mode } from '../detector/decision.ts'
import { type PortsentryConf, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { DaemonProcess } from '../facts/daemons.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { isVisibleBan } from '../policy/kill-route.ts'
import { judgeLiveness } from '../policy/liveness.ts'
import type { Release } from '../policy/release.ts'
import type { Problem } from '../problem.ts'

/** What is known about the portsentry of a server or tree. */
export interface PortsentryInstance {
  readonly root: string
  /** Whether this is the running server. */
  readonly isLive: boolean
  /** Null: portsentry is not installed, or its release is unknown; `unknownReason` says which. */
  readonly release: Release | null
  readonly conf: PortsentryConf | null
  /** What the daemons take from portsentry.conf where the mode makes no difference; null without one. */
  readonly configuration: Configuration | null
  /** Why release or portsentry.conf are not known; '' where they are. */
  readonly unknownReason: string
  /** Whether portsentry is not installed: then it has no blocked file either. */
  readonly isAbsent: boolean
  /** The modes in which daemons run; empty in a tree. */
  readonly modes: readonly Mode[]
  /** Its running daemons. */
  readonly daemons: readonly DaemonProcess[]
  /** Those of them that cannot notice a scan, though they run, and why. */
  readonly deaf: ReadonlyMap<Mode, string>
}

/** The mode that a daemon's arguments mean. */
const modeOf = ({ args }: DaemonProcess, { dialect }: Release): Mode => {
  if (dialect === '2.x') return args.includes('--connect') ? 'connect' : 'stealth'
  return (args.find((word) => /^-[as]?(?:tcp|udp)$/.test(word))?.slice(1) ?? 'tcp') as Mode
}

/** Why the facts have no portsentry.conf; '' if they have it. */
const whyNoConf = ({ root, files, unreadable }: Facts, { confPath }: Release): string =>
  unreadable.get(confPath)?.message ?? (files.has(confPath) ? '' : `${join(root, confPath)} does not exist`)

/** `release` is null if it is unknown: then `releaseProblem` says why. */
export interface Found {
  readonly facts: Facts
  readonly release: Release | null
  readonly releaseProblem: Problem | null
}

export const instanceOf = ({ facts, release, releaseProblem }: Found): PortsentryInstance => {
  const { root, live, packages, inferredRelease, predicted } = facts
  const isAbsent = inferredRelease === undefined && !packages.has('portsentry')
  const known = isAbsent ? null : release
  const noConf = known === null ? '' : whyNoConf(facts, known)
  const text = known === null || predicted.has(known.confPath) ? undefined : fileText(facts, known.confPath)
  const running = (live?.daemons ?? []).filter(({ service }) => service === 'portsentry')
  const parsed = known === null ? [] : running.map((daemon) => ({ mode: modeOf(daemon, known), daemon }))
  const modes = [...new Set(parsed.map(({ mode }) => mode))].sort()
  const conf =
    known === null || text === undefined ? null : parsePortsentryConf(text, known.dialect, known.moreKeys)
  return {
    root,
    isLive: root === '/',
    release: known,
    conf,
    configuration: conf && readConfiguration(conf, modes[0] ?? (conf.dialect === '1.2' ? 'atcp' : 'stealth')),
    unknownReason: isAbsent
      ? 'portsentry is not installed'
      : known === null
        ? (releaseProblem?.message ?? '')
        : noConf,
    isAbsent,
    daemons: running,
    modes,
    deaf: new Map(
      parsed.flatMap(({ mode, daemon }) => {
        const { watches, details } = judgeLiveness(daemon.args, daemon.liveness)
        return watches === false ? [[mode, details] as const] : []
      }),
    ),
  }
}

/** Whether portsentry itself bans in the firewall, or in hosts.deny. */
export const bansIn = ({ configuration }: PortsentryInstance, to: 'firewall' | 'hosts.deny'): boolean => {
  if (configuration === null || (configuration.block.tcp !== 1 && configuration.block.udp !== 1)) return false
  return to === 'firewall' ? isVisibleBan(configuration.killRoute) : configuration.killHostsDeny !== ''
}

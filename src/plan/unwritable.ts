import type { Desired } from '../policy/desired.ts'
import type { Facts } from '../policy/facts.ts'
import { portsentryWritesHostsDeny } from '../policy/lenient-rules.ts'
import type { Problem } from '../problem.ts'
import type { Step } from './plan.ts'

const HOSTS_DENY = '/etc/hosts.deny'

const problem = (severity: Problem['severity'], path: string, message: string, hint: string): Problem => ({
  severity,
  code: 'unwritable',
  message,
  hint,
  at: { path },
})

/** A file that is not written by the plan's steps, but by the daemons and their commands. */
interface Written {
  readonly path: string
  /** The consequence if nothing can be appended to the file. */
  readonly withoutAppend: string
  /** The consequence if the file can only be appended to; null: nothing else is needed. */
  readonly withoutReplace: string | null
}

const writtenFiles = (desired: Desired): Written[] => {
  const { release, historyPath, blockedPaths } = desired
  const isBuilt = release.builtIgnorePath !== release.ignorePath
  const whole = (path: string, what: string): Written => ({ path, withoutAppend: what, withoutReplace: what })
  return [
    ...(isBuilt
      ? [whole(release.builtIgnorePath, 'portsentry cannot build its ignore list when it starts')]
      : []),
    ...(portsentryWritesHostsDeny(desired)
      ? [
          {
            path: HOSTS_DENY,
            withoutAppend: 'bans cannot be written here',
            withoutReplace: 'bans can be written here, but not removed again',
          },
        ]
      : []),
    {
      path: historyPath,
      withoutAppend: 'portsentry cannot write its history here, and so fail2ban sees no scan',
      withoutReplace: null,
    },
    ...blockedPaths.map((path) => whole(path, 'portsentry cannot keep its list of blocked hosts here')),
  ]
}

const findUnwritableFiles = (desired: Desired, { obstacles }: Facts): Problem[] =>
  writtenFiles(desired).flatMap(({ path, withoutAppend, withoutReplace }) => {
    const obstacle = obstacles.get(path)
    if (obstacle === undefined) return []
    if (obstacle.append !== null)
      return [problem('warning', path, `${withoutAppend}: ${obstacle.append}`, obstacle.hint)]
    return withoutReplace === null
      ? []
      : [problem('warning', path, `${withoutReplace}: ${obstacle.replace}`, obstacle.hint)]
  })

const FIREWALL_HINT =
  'check whether this container may change its firewall (CAP_NET_ADMIN), or set another BAN_BACKEND'

/** Files and a firewall that bans and daemons have to write, but cannot. */
export const findUnwritable = (desired: Desired, facts: Facts): Problem[] => {
  const obstacle = desired.banSet !== null ? (facts.live?.firewallObstacle ?? null) : null
  return [
    ...(obstacle === null
      ? []
      : [
          problem('warning', 'firewall', `bans cannot be loaded into the kernel: ${obstacle}`, FIREWALL_HINT),
        ]),
    ...findUnwritableFiles(desired, facts),
  ]
}

/** What a step has to write, but cannot: then no step may be carried out. */
export const findBlockedSteps = (steps: readonly Step[], { obstacles, live }: Facts): Problem[] =>
  steps.flatMap((step) => {
    if (step.kind === 'load-bans' && typeof live?.firewallObstacle === 'string') {
      const why = `the bans cannot be loaded into the kernel: ${live.firewallObstacle}`
      return [problem('error', 'firewall', why, FIREWALL_HINT)]
    }
    if (step.kind !== 'write' && step.kind !== 'touch' && step.kind !== 'remove') return []
    const obstacle = obstacles.get(step.path)
    return obstacle === undefined
      ? []
      : [problem('error', step.path, `has to be changed, but cannot be: ${obstacle.replace}`, obstacle.hint)]
  })

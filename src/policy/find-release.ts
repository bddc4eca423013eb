import type { Problem } from '../problem.ts'
import type { Facts } from './facts.ts'
import type { Release } from './release.ts'
import { sysv12, template12 } from './releases/classic-12.ts'
import { native2 } from './releases/native-2.ts'

export const RELEASES: readonly Release[] = [sysv12, template12, native2]

/** The release that fits the package, or why there is none. Never decided by the distribution's name. */
export const findRelease = (facts: Facts): Release | Problem => {
  const at = { path: '/var/lib/dpkg/status' }
  const refuse = (code: string, message: string, hint: string): Problem => ({
    severity: 'error',
    code,
    message,
    hint,
    at,
  })
  const { portsentry } = facts
  if (portsentry === null && facts.live === null) {
    return refuse('no-portsentry', 'portsentry is not installed in this tree', 'install it there first')
  }
  if (portsentry === null) {
    const reasons = facts.unknown.join('; ')
    return refuse(
      'no-portsentry',
      `portsentry is not installed${reasons === '' ? ', and apt knows no version to install' : `: ${reasons}`}`,
      'mend that, or run apt-get update and see that the main component is in the apt sources',
    )
  }
  const release = RELEASES.find(({ matches }) => matches(portsentry))
  if (release === undefined) {
    const supported = RELEASES.map(({ title }) => title).join(', ')
    return refuse(
      'unsupported-release',
      `portsentry ${portsentry.version} is laid out in a way that this portward does not support`,
      `nothing was touched; supported: ${supported}`,
    )
  }
  if (facts.live?.init === 'sysv' && !release.hasInitScript) {
    return refuse(
      'needs-systemd',
      `${release.title} has no init script, and systemd does not run here`,
      'nothing was touched; run portward where systemd runs',
    )
  }
  return release
}

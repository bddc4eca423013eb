import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Facts, PortsentryPackage } from './facts.ts'
import type { Release } from './release.ts'
import { sysv12, template12 } from './releases/classic-12.ts'
import { native2 } from './releases/native-2.ts'
import { asAsked } from './untried.ts'

export const RELEASES: readonly Release[] = [sysv12, template12, native2]

/** What a copy of /etc shows about the portsentry of its server. */
export interface Traces {
  /** portsentry.conf, latin1-decoded. */
  readonly conf: string
  /** /etc/debian_version; '' where it is missing. */
  readonly debianVersion: string
  /** /etc/init.d/portsentry, which comes with 1.2 only. */
  readonly hasInitScript: boolean
  /** /etc/logrotate.d/portsentry, which comes with 2.x only. */
  readonly hasLogRotation: boolean
  /** A unit portsentry@MODE that starts at boot. */
  readonly hasTemplateUnit: boolean
}

/** Raspberry Pi OS of 32 bits calls itself raspbian, that of 64 bits debian. */
const DEBIANS = /^ID=["']?(?:debian|raspbian)["']?$/m

/**
 * The release that this version of Debian ships: a guess, as long as the packages are unknown. Null for other distributions by
 * their os-release: Ubuntu's /etc/debian_version names the testing that it was made from.
 */
export const assumeRelease = (debianVersion: string, osRelease = ''): Release | null =>
  osRelease === '' || DEBIANS.test(osRelease) ? releaseOfDebian(debianVersion) : null

const releaseOfDebian = (debianVersion: string): Release => {
  const major = Number(/^\d+/.exec(debianVersion)?.[0])
  if (major <= 12) return sysv12
  return major === 13 ? template12 : native2
}

/**
 * The release by the files of /etc, null if they contradict each other or are too few. 1.2-14 and 1.2-16 install the same
 * files there: between these two the enabled units decide, or else Debian's version.
 */
export const inferRelease = (traces: Traces): Release | null => {
  const { debianVersion, hasInitScript, hasLogRotation, hasTemplateUnit } = traces
  const conf = parsePortsentryConf(traces.conf, '1.2')
  // 2.x would not start with one of these keys.
  const hasOldKey = [...native2.translatedKeys].some((key) => getKey(conf, key) !== undefined)
  const isClassic = hasInitScript || hasTemplateUnit || hasOldKey
  if (isClassic === hasLogRotation) return null
  if (hasLogRotation) return native2
  if (hasTemplateUnit) return template12
  const assumed = releaseOfDebian(debianVersion)
  return assumed === native2 ? null : assumed
}

/** The release of an installed package; undefined if it is not supported. */
export const releaseOf = (portsentry: PortsentryPackage): Release | undefined =>
  RELEASES.find(({ matches }) => matches(portsentry))

/** The facts that decide the release. */
type Deciding = Pick<
  Facts,
  'root' | 'portsentry' | 'inferredRelease' | 'live' | 'unknown' | 'assumedRelease' | 'inquiry' | 'files'
>

/**
 * The release of the package, or why there is none. Never decided by the distribution's name. The only function for it.
 */
export const findRelease = (facts: Deciding): Release | Problem => {
  const at = { path: '/var/lib/dpkg/status' }
  const refuse = (code: ProblemCode, message: string, hint: string): Problem => ({
    severity: 'error',
    code,
    message,
    hint,
    at,
  })
  const { portsentry, inferredRelease, assumedRelease } = facts
  if (inferredRelease === null) {
    return {
      ...refuse(
        'untold-release',
        'the tree has no /var/lib/dpkg/status, and its /etc does not show which portsentry it is for',
        "add the server's /etc/debian_version, /etc/init.d and /etc/logrotate.d to the tree, or give --release",
      ),
      at: { path: '/etc/portsentry/portsentry.conf' },
    }
  }
  const named = RELEASES.find(
    ({ name }) => name === (inferredRelease ?? (portsentry === null ? assumedRelease : undefined)),
  )
  if (named !== undefined) return named
  if (portsentry === null && facts.live === null) {
    return facts.root === '/'
      ? refuse('no-portsentry', 'portsentry is not installed', 'portward apply installs it')
      : refuse('no-portsentry', 'portsentry is not installed in this tree', 'install it there first')
  }
  if (portsentry === null) {
    const reasons = facts.unknown.join('; ')
    return refuse(
      'no-portsentry',
      `portsentry is not installed${reasons === '' ? ', and apt knows no version to install' : `: ${reasons}`}`,
      'fix that, or run apt-get update and check that the main component is in the apt sources',
    )
  }
  const release = releaseOf(portsentry)
  if (release === undefined) {
    const supported = RELEASES.map(({ title }) => title).join(', ')
    return refuse(
      'unsupported-release',
      `portsentry ${portsentry.version} is not supported by this portward`,
      `nothing was changed; supported: ${supported}`,
    )
  }
  if (facts.live?.init === 'sysv' && !release.hasInitScript) {
    return refuse(
      'needs-systemd',
      `${release.title} has no init script, and systemd is not running here`,
      'nothing was changed; run portward where systemd is running',
    )
  }
  return asAsked(release, facts)
}

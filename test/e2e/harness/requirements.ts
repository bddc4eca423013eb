import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { execaSync } from 'execa'
import { describe, test } from 'vitest'
import { serverCgroups } from './cgroups.ts'

/** Program -> Debian package that brings it. */
const programs: Record<string, string> = {
  debootstrap: 'debootstrap',
  'apt-ftparchive': 'apt-utils',
  dh: 'debhelper',
  gpg: 'gpg',
  'systemd-nspawn': 'systemd-container',
  ip: 'iproute2',
  flock: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  chroot: 'coreutils',
  mount: 'mount',
  nmap: 'nmap',
  tcpdump: 'tcpdump',
  tmux: 'tmux',
  strace: 'strace',
  openssl: 'openssl',
}

const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** May this process make namespaces and mounts? Root in an unprivileged container may not. */
const mayUnshare = (): boolean => {
  const { failed } = execaSync('unshare', ['--mount', '--net', 'mount', '-t', 'tmpfs', 'none', '/mnt'], {
    reject: false,
  })
  return !failed
}

/** What this machine lacks for booting real Debian servers, a reason a line; empty if nothing. */
const missingRequirements = (): string[] => {
  if (process.platform !== 'linux') return [`the servers are Linux namespaces, this is ${process.platform}`]
  const reasons: string[] = []
  if (process.getuid?.() !== 0) reasons.push('root is needed for namespaces and mounts: run as root')
  const absent = Object.keys(programs).filter((program) => !isInstalled(program))
  if (absent.length > 0) {
    const packages = [...new Set(absent.map((program) => programs[program]))].join(' ')
    reasons.push(`not on PATH: ${absent.join(', ')}: apt-get install ${packages}`)
  }
  if (reasons.length === 0 && !mayUnshare()) {
    reasons.push(
      'this root may not make namespaces and mounts: use a virtual machine or a privileged container',
    )
  }
  if (serverCgroups('probe').length === 0) reasons.push('no cgroup2 or name=systemd hierarchy is mounted')
  return reasons
}

/**
 * `describe` for tests that need real servers. If they cannot run, the skip is loud and says how to fix that; with CI=true it
 * is a failure, so that a pipeline cannot lose these tests unnoticed.
 */
export const describeServers = (name: string, body: () => void): void => {
  const missing = missingRequirements()
  if (missing.length === 0) {
    describe(name, body)
    return
  }
  const report = [`"${name}" needs real Debian servers:`, ...missing.map((reason) => `  - ${reason}`)].join(
    '\n',
  )
  if (process.env['CI'] === 'true') {
    describe(name, () => {
      test('this machine can run real servers', () => {
        throw new Error(report)
      })
    })
    return
  }
  const bar = '!'.repeat(100)
  process.stderr.write(`\n${bar}\nSKIPPED: ${report}\n${bar}\n\n`)
  describe.skip(name, body)
}

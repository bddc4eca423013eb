import { readFileSync } from 'node:fs'
import { resolveInRoot, statIfPresent } from '../system/paths.ts'

/**
 * Servers that Debian builds, or built, with TCP wrappers: the name that hosts.allow knows, and the programs. From
 * Debian 13 on it is sshd-session that asks, still as `sshd`.
 */
const CANDIDATES: readonly (readonly [name: string, ...programs: string[]])[] = [
  ['sshd', '/usr/sbin/sshd', '/usr/lib/openssh/sshd-session'],
  ['rpcbind', '/usr/sbin/rpcbind', '/sbin/rpcbind'],
  ['vsftpd', '/usr/sbin/vsftpd'],
  ['slapd', '/usr/sbin/slapd'],
  ['stunnel', '/usr/bin/stunnel4', '/usr/bin/stunnel'],
  ['xinetd', '/usr/sbin/xinetd'],
  ['socat', '/usr/bin/socat', '/usr/bin/socat1'],
  ['dovecot', '/usr/lib/dovecot/tcpwrap'],
  ['nrpe', '/usr/sbin/nrpe'],
]

/** The packages that contain them. */
const PACKAGES =
  /^(?:openssh-server|rpcbind|vsftpd|slapd|stunnel4|xinetd|socat|dovecot-core|nagios-nrpe-server)$/

const isLinked = async (root: string, program: string): Promise<boolean> => {
  const real = await resolveInRoot(root, program)
  if (statIfPresent(real) === null) return false
  try {
    return readFileSync(real).includes('libwrap.so.0')
  } catch {
    return false
  }
}

/** Whether a tree lacks the programs of its servers: a copy of /etc, with or without dpkg's status beside it. */
const isCopy = async (root: string, packages: ReadonlyMap<string, string>): Promise<boolean> => {
  if (packages.size === 0) return true
  const programs = statIfPresent(await resolveInRoot(root, '/usr/sbin'))
  return programs === null && [...packages.keys()].some((name) => PACKAGES.test(name))
}

/**
 * Names of the installed servers whose program is linked with libwrap: those that hosts.allow and hosts.deny concern. Null
 * for a copy of /etc, which does not show its programs.
 */
export const readWrapped = async (
  root: string,
  packages: ReadonlyMap<string, string>,
): Promise<string[] | null> => {
  if (root !== '/' && (await isCopy(root, packages))) return null
  const linked = await Promise.all(
    CANDIDATES.map(async ([name, ...programs]) => {
      const found = await Promise.all(programs.map((program) => isLinked(root, program)))
      return found.includes(true) ? [name] : []
    }),
  )
  return linked.flat()
}

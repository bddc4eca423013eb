import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readVariables } from '../documents/shell-assignments.ts'

/** Other tools that manage this server's firewall and are enabled. */
export interface FirewallManagers {
  readonly ufw: Ufw | null
  readonly firewalld: boolean
  readonly docker: boolean
}

export interface Ufw {
  /** Whether it drops or rejects packets that no rule of it allows. */
  readonly drops: boolean
  /** Whether it empties the kernel's own chains whenever it starts, stops or is reloaded. */
  readonly emptiesInput: boolean
}

const UFW_CONF = '/etc/ufw/ufw.conf'
const UFW_DEFAULTS = '/etc/default/ufw'

/** ufw's configuration; both files are sourced by its shell scripts. */
const UFW_FILES = [UFW_CONF, UFW_DEFAULTS] as const

/** ufw by the texts of ufw.conf and default/ufw; null if it is disabled (ufw-init-functions of ufw 0.36). */
export const parseUfw = (conf: string, defaults: string): Ufw | null => {
  if (!['yes', 'YES'].includes(readVariables(conf).get('ENABLED') ?? '')) return null
  const variables = readVariables(defaults)
  return {
    drops: variables.get('DEFAULT_INPUT_POLICY') !== 'ACCEPT',
    emptiesInput: variables.get('MANAGE_BUILTINS') === 'yes',
  }
}

/** Whether one of these paths exists: the link of an enabled unit, the control group of a running one, a socket. */
const isAnyThere = (...paths: readonly string[]): boolean => paths.some((path) => existsSync(path))

/** Which other tools manage this server's firewall, by their files. Runs no program. */
export const readFirewallManagers = async (
  packages: ReadonlyMap<string, string>,
): Promise<FirewallManagers> => {
  const [conf = '', defaults = ''] = await Promise.all(
    UFW_FILES.map((path) => readFile(path, 'latin1').catch(() => '')),
  )
  return {
    // Its files remain if the package was removed but not purged.
    ufw: packages.has('ufw') ? parseUfw(conf, defaults) : null,
    firewalld:
      packages.has('firewalld') &&
      isAnyThere(
        '/etc/systemd/system/multi-user.target.wants/firewalld.service',
        '/sys/fs/cgroup/system.slice/firewalld.service',
        '/sys/fs/cgroup/systemd/system.slice/firewalld.service',
      ),
    docker: isAnyThere('/run/docker.sock'),
  }
}

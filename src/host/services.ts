import { existsSync, readdirSync } from 'node:fs'
import { BANS_UNIT } from '../policy/ban-set.ts'
import type { LiveFacts } from '../policy/facts.ts'
import { LEGACY_UNITS } from '../policy/legacy-bans.ts'
import { tryRun } from './process.ts'

type Init = LiveFacts['init']

export const WANTS = '/etc/systemd/system/multi-user.target.wants'

/** What sd_booted(3) looks at. */
export const readInit = (): Init => (existsSync('/run/systemd/system') ? 'systemd' : 'sysv')

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/**
 * Units and init scripts of portsentry, fail2ban and portward that start at boot. Instances of a template show by their
 * links, which stay when an upgrade takes the template away.
 */
export const readEnabled = async (init: Init): Promise<Set<string>> => {
  const names = ['portsentry', 'fail2ban']
  if (init === 'sysv') {
    const links = list('/etc/rc2.d')
    return new Set(
      names.filter((name) => links.some((link) => /^S\d\d/.test(link) && link.slice(3) === name)),
    )
  }
  const asked = [...names, BANS_UNIT, ...LEGACY_UNITS]
  const states = await Promise.all(asked.map((name) => tryRun('systemctl', ['is-enabled', '--quiet', name])))
  // By their links, too, which are there when a unit file is not any more.
  const instances = list(WANTS).filter((link) => /^(?:portsentry@|portward-)/.test(link))
  return new Set([
    ...asked.filter((_, index) => states[index]?.exitCode === 0),
    ...instances.map((link) => link.replace(/\.service$/, '')),
  ])
}

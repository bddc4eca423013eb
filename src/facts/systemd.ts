import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Query } from '../system/query.ts'

export type Init = 'systemd' | 'sysv'

export const WANTS = '/etc/systemd/system/multi-user.target.wants'
const TIMER_WANTS = '/etc/systemd/system/timers.target.wants'

/** What sd_booted(3) looks at. */
export const readInit = (): Init => (existsSync('/run/systemd/system') ? 'systemd' : 'sysv')

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/** Whether an init script starts at boot: systemd-sysv-install(8) looks at the same links. */
const startsBySysv = (name: string): boolean =>
  list('/etc/rc2.d').some((link) => /^S\d\d/.test(link) && link.slice(3) === name)

/** Properties of a unit, as `systemctl show` prints them. */
export type UnitProperties = ReadonlyMap<string, string>

const PROPERTIES = [
  'Id',
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'FragmentPath',
  'DropInPaths',
  'User',
  'ProtectSystem',
  'ReadWritePaths',
  'ReadOnlyPaths',
  'InaccessiblePaths',
  'CapabilityBoundingSet',
  'PrivateNetwork',
  'RestrictAddressFamilies',
  'Result',
  'SystemCallFilter',
]

/** Parses the blocks that `systemctl show` prints, one for each unit; keys are unit names without `.service`. */
export const parseUnits = (shown: string): Map<string, UnitProperties> => {
  const units = new Map<string, UnitProperties>()
  for (const block of shown.split('\n\n')) {
    const properties = new Map(
      block.split('\n').flatMap((line): [string, string][] => {
        const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
        return name === '' ? [] : [[name, value]]
      }),
    )
    const id = properties.get('Id')
    if (id !== undefined) units.set(id.replace(/\.service$/, ''), properties)
  }
  return units
}

/**
 * systemd's properties of these units (services, or names with their suffix); none without systemd. systemctl, since only systemd
 * knows whether a unit is active, and what its files and drop-ins come to.
 */
export const unitsQuery = (names: readonly string[]): Query<Map<string, UnitProperties>> => ({
  commands:
    names.length === 0
      ? []
      : [
          {
            program: 'systemctl',
            args: [
              'show',
              `--property=${PROPERTIES.join()}`,
              ...names.map((name) => (name.includes('.') ? name : `${name}.service`)),
            ],
          },
        ],
  parse: ([result]) => (result?.exitCode === 0 ? parseUnits(result.stdout) : new Map()),
})

export const isLoaded = (unit: UnitProperties): boolean => unit.get('LoadState') === 'loaded'

export const isActive = (unit: UnitProperties | undefined): boolean => unit?.get('ActiveState') === 'active'

/** The states for which `systemctl is-enabled` exits with 0. */
const ENABLED: ReadonlySet<string> = new Set(['enabled', 'enabled-runtime', 'static', 'alias', 'indirect'])

/**
 * Those of these units, or of the init scripts, that start at boot. Instances of a template are recognised by their links,
 * which remain when an upgrade removes the template; units that systemd generated from an init script, by the script's links.
 */
export const findEnabled = (
  init: Init,
  units: ReadonlyMap<string, UnitProperties>,
  timers: readonly string[],
): Set<string> => {
  if (init === 'sysv') return new Set(['portsentry', 'fail2ban'].filter(startsBySysv))
  const enabled = [...units].filter(([name, properties]) => {
    const state = properties.get('UnitFileState') ?? ''
    return state === 'generated' ? startsBySysv(name) : ENABLED.has(state)
  })
  const links = list(WANTS).filter((link) => /^(?:portsentry@|portward-)/.test(link))
  const timerLinks = list(TIMER_WANTS).filter((link) => timers.includes(link))
  return new Set([
    ...enabled.map(([name]) => name),
    ...links.map((link) => link.replace(/\.service$/, '')),
    ...timerLinks,
  ])
}

/** What systemd says of portward's timers, with their suffix. */
export interface OwnTimers {
  readonly active: ReadonlySet<string>
  /** Those whose last run failed. */
  readonly failed: ReadonlySet<string>
}

/** Whether a program named portward is in one of these directories. */
export const hasLauncher = (directories: readonly string[]): boolean =>
  directories.some((directory) => {
    try {
      accessSync(join(directory, 'portward'), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** The service that a timer starts, as keys of `unitsQuery` have it: without its suffix. */
export const serviceOf = (timer: string): string => timer.replace(/\.timer$/, '')

/** The names under which `unitsQuery` has to be asked for these timers. */
export const timerUnits = (timers: readonly string[]): string[] =>
  timers.flatMap((timer) => [timer, serviceOf(timer)])

/** Which of these timers are active, and whose last run failed, by the answer of `unitsQuery`. */
export const findTimers = (
  timers: readonly string[],
  units: ReadonlyMap<string, UnitProperties>,
): OwnTimers => {
  const result = (timer: string) => units.get(serviceOf(timer))?.get('Result')
  return {
    active: new Set(timers.filter((timer) => isActive(units.get(timer)))),
    failed: new Set(timers.filter((timer) => ![undefined, 'success'].includes(result(timer)))),
  }
}

/** What `systemctl start` would use of some units. */
export interface LoadedUnits {
  /** One that cannot be started. */
  readonly masked: string | undefined
  /** Whether systemd has to read its unit files again: one of them has changed, or is not known yet. */
  readonly areStale: boolean
}

export const loadedQuery = (units: readonly string[]): Query<LoadedUnits> => ({
  commands: [{ program: 'systemctl', args: ['show', '--property=Id,LoadState,NeedDaemonReload', ...units] }],
  parse: ([result]) => {
    const shown = [...parseUnits(result?.stdout ?? '')]
    const isCurrent = ([, unit]: (typeof shown)[number]) =>
      isLoaded(unit) && unit.get('NeedDaemonReload') === 'no'
    return {
      masked: shown.find(([, unit]) => unit.get('LoadState') === 'masked')?.[0],
      areStale: shown.length === 0 || !shown.every(isCurrent),
    }
  },
})

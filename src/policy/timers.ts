import type { Init } from '../facts/systemd.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import type { LiveFacts } from './facts.ts'

/** A timer of systemd that runs one of portward's commands, and the service that it starts. */
export interface OwnTimer {
  /** The name of both units, without `.timer` or `.service`. */
  readonly unit: string
  /** The variable of config.env that asks for it; null: none does. */
  readonly askedBy: (settings: Settings) => string | null
  /** The arguments of portward. */
  readonly args: (settings: Settings) => readonly string[]
  /** What it does, in words that fit after "portward": `writes its metrics every 5 minutes`. */
  readonly purpose: string
  /** Lines of the section [Timer], such as `OnCalendar=daily`. */
  readonly schedule: readonly string[]
  /** The same schedule as the first five fields of a crontab line, for servers without systemd. */
  readonly cron: string
  /**
   * The variable that names the file which it writes, by its argument `--output`: an apply that starts the timer also writes the
   * file, which is removed when the timer is not to write it any more.
   */
  readonly outputVariable?: string
}

/** Every timer that portward can install. */
export const TIMERS: readonly OwnTimer[] = [
  {
    unit: 'portward-metrics',
    askedBy: ({ metrics }) => (metrics === undefined ? null : 'METRICS'),
    args: ({ metrics = '' }) => ['metrics', '--output', metrics],
    purpose: 'writes its metrics every 5 minutes',
    schedule: ['OnActiveSec=10s', 'OnUnitActiveSec=5min', 'AccuracySec=10s'],
    cron: '*/5 * * * *',
    outputVariable: 'METRICS',
  },
  {
    unit: 'portward-names',
    askedBy: ({ whitelistNames, whitelistServices }) =>
      whitelistNames.length > 0 ? 'WHITELIST' : whitelistServices ? 'WHITELIST_SERVICES' : null,
    args: () => ['refresh'],
    purpose: 'looks up the hosts that are protected by name every 5 minutes',
    // The first time soon after the boot: an address may have changed while the server was down.
    schedule: ['OnActiveSec=1min', 'OnUnitActiveSec=5min', 'AccuracySec=10s'],
    cron: '*/5 * * * *',
  },
  {
    unit: 'portward-digest',
    askedBy: ({ notifyDigest }) => (notifyDigest ? 'NOTIFY_DIGEST' : null),
    args: () => ['report', '--send', '--since', '24h'],
    purpose: 'sends a summary of each day',
    schedule: ['OnCalendar=*-*-* 06:00', 'Persistent=true'],
    cron: '0 6 * * *',
  },
]

/** What is older was not written by three runs. */
export const STALE_METRICS_MS = 15 * 60_000

/** Their units, with the suffix. */
export const TIMER_UNITS: readonly string[] = TIMERS.map(({ unit }) => `${unit}.timer`)

/** Those of them that write a file. */
export const OUTPUT_TIMERS: readonly string[] = TIMERS.filter(({ outputVariable }) => outputVariable).map(
  ({ unit }) => `${unit}.timer`,
)

const UNIT_DIRECTORY = '/etc/systemd/system'

/** The files of a timer: that of its service first. */
export const timerPaths = ({ unit }: Pick<OwnTimer, 'unit'>): readonly string[] =>
  ['service', 'timer'].map((suffix) => `${UNIT_DIRECTORY}/${unit}.${suffix}`)

/** All files of all timers. */
export const TIMER_FILES: readonly string[] = TIMERS.flatMap(timerPaths)

/**
 * The file that the service of a timer writes, by the text of its unit file; null: none, or one that METRICS cannot name, so that a
 * unit file that somebody has edited leads to the removal of no other. Its path needs no quotes there.
 */
export const outputIn = (service: string): string | null =>
  /^ExecStart=.* --output (\S+\.prom)(?: |$)/m.exec(service)?.[1] ?? null

/** What a file of a timer is for; undefined if it is not one. */
export const timerPurpose = (path: string): string | undefined =>
  TIMERS.find((timer) => timerPaths(timer).includes(path))?.purpose

/** Where systemd looks for programs that a unit names without a directory; those of Debian before 13 include sbin. */
export const PROGRAM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'] as const

const DEFAULT_CONFIG = '/root/config.env'

/** A word of ExecStart: systemd replaces % and $, and reads quotes and backslashes. */
const quoteWord = (word: string): string => {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w.,:@%+=/-]+$/.test(literal) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`
}

/** The command line of a timer. It reads the same config.env as this run, which is absolute on a server. */
const commandOf = ({ args }: OwnTimer, settings: Settings, isLive: boolean): readonly string[] => [
  'portward',
  ...args(settings),
  ...(isLive && settings.path !== DEFAULT_CONFIG ? ['--config', settings.path] : []),
]

const unitTexts = (timer: OwnTimer, settings: Settings, isLive: boolean): readonly string[] => {
  const head = (words: string) => [
    '# Kept by portward from config.env.',
    '[Unit]',
    `Description=portward ${words}`,
    'Documentation=man:portward(8)',
  ]
  const service = [
    ...head(timer.purpose),
    'After=network-online.target fail2ban.service',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${commandOf(timer, settings, isLive).map(quoteWord).join(' ')}`,
    'TimeoutStartSec=10min',
    '',
  ]
  const schedule = [
    ...head(timer.purpose),
    '',
    '[Timer]',
    ...timer.schedule,
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ]
  return [service, schedule].map((lines) => lines.join('\n'))
}

/** The timers that config.env asks for. Without systemd there are none. */
export const wantedTimers = (settings: Settings, init: Init, timers = TIMERS): readonly OwnTimer[] =>
  init === 'systemd' ? timers.filter(({ askedBy }) => askedBy(settings) !== null) : []

/** Every file of every timer, by path; null: it must not exist. */
export const timerFiles = (
  settings: Settings,
  live: Pick<LiveFacts, 'init'> | null,
  timers = TIMERS,
): ReadonlyMap<string, string | null> => {
  const wanted = wantedTimers(settings, live?.init ?? 'systemd', timers)
  return new Map(
    timers.flatMap((timer) => {
      const texts = wanted.includes(timer) ? unitTexts(timer, settings, live !== null) : []
      return timerPaths(timer).map((path, index) => [path, texts[index] ?? null] as const)
    }),
  )
}

/** Why the timers that config.env asks for would not run on this server. */
export const findTimerProblems = (
  settings: Settings,
  live: Pick<LiveFacts, 'init' | 'launcher'> | null,
  timers = TIMERS,
): Problem[] => {
  if (live === null) return []
  return timers.flatMap((timer): Problem[] => {
    const { unit, cron } = timer
    const variable = timer.askedBy(settings)
    if (variable === null) return []
    const at = settings.locations.get(variable) ?? { path: settings.path }
    if (live.init !== 'systemd') {
      const command = commandOf(timer, settings, true).join(' ')
      const hint = `have cron run it, as root: ${cron} ${command}`
      const message = `${variable} needs a timer of systemd, which does not run here`
      return [{ severity: 'warning', code: 'no-timers', message, hint, at }]
    }
    if (live.launcher) return []
    const message = `${variable} needs ${unit}.timer, which would not find portward: it is not in ${PROGRAM_DIRECTORIES.join(', ')}`
    const hint = 'install the Debian package, or link bin/portward there'
    return [{ severity: 'error', code: 'launcher-not-found', message, hint, at }]
  })
}

/** Why the metrics could not be written. */
export const findMetricsProblems = (
  settings: Pick<Settings, 'metrics' | 'locations' | 'path'>,
  live: Pick<LiveFacts, 'metricsFile'> | null,
): Problem[] => {
  const { metrics, locations, path } = settings
  if (metrics === undefined || live?.metricsFile?.hasDirectory !== false) return []
  const directory = metrics.slice(0, metrics.lastIndexOf('/')) || '/'
  const message = `METRICS is in ${directory}, which is not a directory`
  const hint = 'install prometheus-node-exporter, which brings /var/lib/prometheus/node-exporter, or make it'
  return [
    { severity: 'error', code: 'metrics-directory', message, hint, at: locations.get('METRICS') ?? { path } },
  ]
}

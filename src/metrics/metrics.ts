import type { BanStore } from '../policy/banned.ts'
import type { LastVerify } from '../verify/last-verify.ts'
import type { Family, Sample } from './format.ts'

/** What the metrics are made from, each read on its own. */
export type Source = 'config' | 'daemons' | 'plan' | BanStore | 'history' | 'ban-records' | 'last-verify'

/** Of one protocol. */
interface Scans {
  readonly scans: number
  readonly hosts: number
}

/** What happened in a time that ends now; null where it could not be read as a whole. */
export interface Activity {
  readonly scans: Readonly<Record<'tcp' | 'udp', Scans>> | null
  readonly newBans: number | null
}

/** What was seen of a server or tree. Null: it was not looked at, or not in full, so there is no number. */
export interface Observation {
  readonly version: string
  readonly nowMs: number
  /** Whether each source was read as a whole; those that do not exist here are missing. */
  readonly sources: ReadonlyMap<Source, boolean>
  readonly isConfigValid: boolean
  readonly health: string | null
  readonly daemons: readonly {
    readonly name: string
    readonly running: boolean | null
    /** Whether it does its work, as far as that is known. */
    readonly working: boolean | null
  }[]
  readonly banned: number | null
  /** Banned hosts that are missing where they should be banned, too. */
  readonly partlyBanned: number | null
  /** Banned hosts in each store that was read as a whole. */
  readonly stores: ReadonlyMap<BanStore, number>
  readonly lastHour: Activity
  readonly lastDay: Activity
  readonly lastScanMs: number | null
  readonly pendingChanges: number | null
  readonly lastVerify: LastVerify | null
}

interface Metric {
  readonly name: string
  /** The one label of its samples. */
  readonly label?: string
  readonly help: string
  readonly samplesOf: (seen: Observation) => readonly Sample[]
}

const HEALTHS = ['healthy', 'attention', 'unprotected', 'unchecked'] as const

const single = (value: number | boolean | null): Sample[] =>
  value === null ? [] : [{ value: Number(value) }]

const seconds = (timeMs: number | null): Sample[] => single(timeMs === null ? null : timeMs / 1000)

const byLabel = (label: string, values: Iterable<readonly [string, number | boolean]>): Sample[] =>
  [...values].map(([text, value]) => ({ labels: { [label]: text }, value: Number(value) }))

const scansBy = ({ scans }: Activity, what: keyof Scans): Sample[] =>
  scans === null
    ? []
    : byLabel(
        'protocol',
        Object.entries(scans).map(([protocol, counts]) => [protocol, counts[what]]),
      )

const known = (
  daemons: Observation['daemons'],
  what: 'running' | 'working',
): (readonly [string, boolean])[] =>
  daemons.flatMap((daemon) => {
    const value = daemon[what]
    return value === null ? [] : [[daemon.name, value] as const]
  })

/** All metrics, in the order in which they are printed. No label has values that somebody outside could choose. */
export const METRICS: readonly Metric[] = [
  {
    name: 'portward_build_info',
    label: 'version',
    help: 'Always 1; the label has the version of portward that wrote these metrics.',
    samplesOf: ({ version }) => [{ labels: { version }, value: 1 }],
  },
  {
    name: 'portward_read_timestamp_seconds',
    help: 'When the server was read for these metrics.',
    samplesOf: ({ nowMs }) => seconds(nowMs),
  },
  {
    name: 'portward_source_read',
    label: 'source',
    help: 'Whether a source was read as a whole (1) or not (0); metrics that need one that was not are left out.',
    samplesOf: ({ sources }) => byLabel('source', sources),
  },
  {
    name: 'portward_config_valid',
    help: 'Whether config.env is without errors (1) or not (0).',
    samplesOf: ({ isConfigValid }) => single(isConfigValid),
  },
  {
    name: 'portward_health',
    label: 'state',
    help: '1 for the state that portward status shows, 0 for the others.',
    samplesOf: ({ health }) =>
      health === null
        ? []
        : byLabel(
            'state',
            HEALTHS.map((state) => [state, state === health]),
          ),
  },
  {
    name: 'portward_daemon_up',
    label: 'daemon',
    help: 'Whether the daemon is running (1) or not (0).',
    samplesOf: ({ daemons }) => byLabel('daemon', known(daemons, 'running')),
  },
  {
    name: 'portward_daemon_working',
    label: 'daemon',
    help: 'Whether the daemon does its work (1) or not (0): portsentry watches, fail2ban answers and has loaded the jail.',
    samplesOf: ({ daemons }) => byLabel('daemon', known(daemons, 'working')),
  },
  {
    name: 'portward_banned_hosts',
    help: 'Hosts that are banned now.',
    samplesOf: ({ banned }) => single(banned),
  },
  {
    name: 'portward_partly_banned_hosts',
    help: 'Hosts that are banned now, but not everywhere where they should be.',
    samplesOf: ({ partlyBanned }) => single(partlyBanned),
  },
  {
    name: 'portward_store_hosts',
    label: 'store',
    help: 'Hosts in each place where bans are stored. Those that are in the blocked file alone are not banned.',
    samplesOf: ({ stores }) => byLabel('store', stores),
  },
  {
    name: 'portward_new_bans_1h',
    help: 'Bans that began in the last hour.',
    samplesOf: ({ lastHour }) => single(lastHour.newBans),
  },
  {
    name: 'portward_new_bans_24h',
    help: 'Bans that began in the last 24 hours.',
    samplesOf: ({ lastDay }) => single(lastDay.newBans),
  },
  {
    name: 'portward_scans_1h',
    label: 'protocol',
    help: 'Scans in the last hour: what one host does with one protocol without a pause of ten minutes.',
    samplesOf: ({ lastHour }) => scansBy(lastHour, 'scans'),
  },
  {
    name: 'portward_scans_24h',
    label: 'protocol',
    help: 'Scans in the last 24 hours: what one host does with one protocol without a pause of ten minutes.',
    samplesOf: ({ lastDay }) => scansBy(lastDay, 'scans'),
  },
  {
    name: 'portward_scanning_hosts_1h',
    label: 'protocol',
    help: 'Hosts that scanned in the last hour.',
    samplesOf: ({ lastHour }) => scansBy(lastHour, 'hosts'),
  },
  {
    name: 'portward_scanning_hosts_24h',
    label: 'protocol',
    help: 'Hosts that scanned in the last 24 hours.',
    samplesOf: ({ lastDay }) => scansBy(lastDay, 'hosts'),
  },
  {
    name: 'portward_last_scan_timestamp_seconds',
    help: 'When the last scan was recorded; left out if there was none in the last 24 hours.',
    samplesOf: ({ lastScanMs }) => seconds(lastScanMs),
  },
  {
    name: 'portward_pending_changes',
    help: 'Changes that portward plan shows: 0 if nothing has drifted from config.env.',
    samplesOf: ({ pendingChanges }) => single(pendingChanges),
  },
  {
    name: 'portward_last_verify_timestamp_seconds',
    help: 'When portward verify last ran as root, or an apply verified the server.',
    samplesOf: ({ lastVerify }) => seconds(lastVerify?.timeMs ?? null),
  },
  {
    name: 'portward_last_verify_success',
    help: 'Whether no check failed then (1) or one did (0).',
    samplesOf: ({ lastVerify }) => single(lastVerify && lastVerify.results.fail === 0),
  },
  {
    name: 'portward_last_verify_checks',
    label: 'result',
    help: 'How many checks ended in each way then; skip: not checked.',
    samplesOf: ({ lastVerify }) =>
      lastVerify === null ? [] : byLabel('result', Object.entries(lastVerify.results)),
  },
]

export const familiesOf = (seen: Observation): Family[] =>
  METRICS.map(({ name, help, samplesOf }) => ({ name, help, samples: samplesOf(seen) }))

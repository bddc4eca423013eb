import { expect, it } from 'vitest'
import type { WriteStep } from '../../src/plan/plan.ts'
import { planDiscards, planTimerStarts, planTimerStops } from '../../src/plan/timers.ts'
import type { Desired } from '../../src/policy/desired.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { findMetricsProblems, findTimerProblems, type OwnTimer, timerFiles } from '../../src/policy/timers.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { factsOf } from '../plan/live.ts'

const sample: OwnTimer = {
  unit: 'portward-sample',
  askedBy: ({ keepGenerations }) => (keepGenerations === 7 ? 'KEEP_GENERATIONS' : null),
  args: ({ bantime }) => ['status', bantime],
  purpose: 'looks at this server each hour',
  schedule: ['OnCalendar=hourly'],
  cron: '0 * * * *',
}

const SERVICE = '/etc/systemd/system/portward-sample.service'
const TIMER = '/etc/systemd/system/portward-sample.timer'

const settingsOf = (text: string, path = '/root/config.env'): Settings => {
  const { settings } = parseSettings(text, {}, path)
  if (settings === null) throw new Error('no settings')
  return settings
}

const WANTED = settingsOf('KEEP_GENERATIONS=7\n')
const live = (changes: Partial<LiveFacts> = {}) => factsOf({ live: changes }).live
const texts = (settings: Settings, facts = live()) => [...timerFiles(settings, facts, [sample])]
const execOf = (settings: Settings, facts = live()) =>
  /^ExecStart=.*$/m.exec(texts(settings, facts)[0]?.[1] ?? '')?.[0]

it('writes both units, which run portward with the config.env of this run', () => {
  expect(texts(WANTED)).toEqual([
    [
      SERVICE,
      `# Kept by portward from config.env.
[Unit]
Description=portward looks at this server each hour
Documentation=man:portward(8)
After=network-online.target fail2ban.service

[Service]
Type=oneshot
ExecStart=portward status 1d
TimeoutStartSec=10min
`,
    ],
    [
      TIMER,
      `# Kept by portward from config.env.
[Unit]
Description=portward looks at this server each hour
Documentation=man:portward(8)

[Timer]
OnCalendar=hourly

[Install]
WantedBy=timers.target
`,
    ],
  ])
})

it.each([
  ['another config.env', '/etc/portward.env', 'ExecStart=portward status 1d --config /etc/portward.env'],
  ['a path with a blank', '/srv/my files/c', 'ExecStart=portward status 1d --config "/srv/my files/c"'],
  ['what systemd would replace', '/a%b$c', 'ExecStart=portward status 1d --config "/a%%b$$c"'],
  ['a quote and a backslash', '/a"b\\c', 'ExecStart=portward status 1d --config "/a\\"b\\\\c"'],
])('ExecStart: %s', (_, path, expected) => {
  expect(execOf(settingsOf('KEEP_GENERATIONS=7\n', path))).toBe(expected)
})

it('is the same for a tree, whose config.env is elsewhere than on its server', () => {
  const settings = settingsOf('KEEP_GENERATIONS=7\n', 'tree/root/config.env')
  expect([...timerFiles(settings, null, [sample])]).toEqual(texts(WANTED))
})

it.each([
  ['config.env does not ask for it', settingsOf(''), live()],
  ['there is no systemd', WANTED, live({ init: 'sysv' })],
])('has no files where %s', (_, settings, facts) => {
  expect(texts(settings, facts)).toEqual([
    [SERVICE, null],
    [TIMER, null],
  ])
})

const problems = (settings: Settings, facts = live()) =>
  findTimerProblems(settings, facts, [sample]).map(
    ({ severity, code, hint, at }) => `${severity} ${code} ${at.path}:${at.line}: ${hint}`,
  )

it('says what would not work here', () => {
  expect(problems(WANTED)).toEqual([])
  expect(problems(settingsOf(''), live({ init: 'sysv', launcher: false }))).toEqual([])
  expect(problems(WANTED, live({ launcher: false }))).toEqual([
    'error launcher-not-found /root/config.env:1: install the Debian package, or link bin/portward there',
  ])
  expect(problems(WANTED, live({ init: 'sysv', launcher: false }))).toEqual([
    'warning no-timers /root/config.env:1: have cron run it, as root: 0 * * * * portward status 1d',
  ])
})

const TIMER_UNIT = 'portward-sample.timer'
const RUNNING = {
  enabled: new Set([TIMER_UNIT]),
  timers: { active: new Set([TIMER_UNIT]), failed: new Set('') },
}
const NEW: WriteStep = {
  kind: 'write',
  path: TIMER,
  before: null,
  after: '',
  mode: 0o644,
  fromPackage: false,
  reasons: [],
}

it.each([
  ['is new', [], [NEW], ['KEEP_GENERATIONS asks for it']],
  ['runs', RUNNING, [], []],
  ['runs with other files', RUNNING, [{ ...NEW, before: 'x' }], [`${TIMER} changes`]],
  [
    'does not run',
    { ...RUNNING, timers: { active: new Set(), failed: new Set() } },
    [],
    ['it is not running'],
  ],
  ['is not enabled', { ...RUNNING, enabled: new Set() }, [], ['it does not start at boot']],
])(
  'starts a timer that %s',
  (_, state: object, changes: readonly WriteStep[], reasons: readonly string[]) => {
    const desired = { timers: new Map([[TIMER_UNIT, 'KEEP_GENERATIONS']]) } as unknown as Desired
    const facts = factsOf({ live: state })
    expect(planTimerStarts(desired, facts, changes, [sample])).toEqual(
      reasons.length === 0 ? [] : [{ kind: 'start-timer', unit: TIMER_UNIT, reasons }],
    )
    expect(planTimerStops(desired, facts, [sample])).toEqual([])
  },
)

const METRICS = '/etc/systemd/system/portward-metrics.service'
const writing = (path: string) => ({ texts: { [METRICS]: `ExecStart=portward metrics --output ${path}\n` } })

it.each<[string, Parameters<typeof factsOf>[0], string, string[]]>([
  ['is not asked for any more', writing('/a.prom'), '', ['/a.prom']],
  ['is to be written elsewhere', writing('/a.prom'), 'METRICS=/b.prom\n', ['/a.prom']],
  ['is still written', writing('/a.prom'), 'METRICS=/a.prom\n', []],
  ['was not written', {}, 'METRICS=/a.prom\n', []],
  ['is that of a tree', { ...writing('/a.prom'), live: null }, '', []],
  ['was written with another config.env', writing('/a.prom --config /srv/config.env'), '', ['/a.prom']],
  ['METRICS cannot name', writing('/etc/passwd'), '', []],
])('removes a file that %s', (_, changes, config, paths) => {
  const settings = settingsOf(config)
  const facts = factsOf(changes)
  const desired = { ownedFiles: timerFiles(settings, facts.live) } as unknown as Desired
  expect(planDiscards(desired, facts).map(({ path }) => path)).toEqual(paths)
})

it.each([
  [false, ['error metrics-directory: METRICS is in /srv, which is not a directory']],
  [true, []],
])('metrics need a directory that is there: %s', (hasDirectory, expected) => {
  const facts = live({ metricsFile: { hasDirectory, modifiedMs: null } })
  const found = findMetricsProblems(settingsOf('METRICS=/srv/a.prom\n'), facts)
  expect(found.map(({ severity, code, message }) => `${severity} ${code}: ${message}`)).toEqual(expected)
})

it.each([
  ['it is enabled', factsOf({ live: RUNNING }), [{ kind: 'disable', unit: TIMER_UNIT }]],
  ['its file is there', factsOf({ texts: { [SERVICE]: '' } }), [{ kind: 'disable', unit: TIMER_UNIT }]],
  ['nothing of it is there', factsOf(), []],
  ['this is a tree', factsOf({ live: null, texts: { [SERVICE]: '' } }), []],
])('stops a timer that nobody asks for if %s', (_, facts, expected) => {
  const desired = { timers: new Map() } as unknown as Desired
  expect(planTimerStops(desired, facts, [sample])).toEqual(expected)
  expect(planTimerStarts(desired, facts, [], [sample])).toEqual([])
})

it.each([
  ['WHITELIST=home.example.net\nWHITELIST_SERVICES=1\n', 'WHITELIST'],
  ['WHITELIST=192.0.2.7\nWHITELIST_SERVICES=1\n', 'WHITELIST_SERVICES'],
])('names the variable that asks for the timer: %j', (text, variable) => {
  const found = findTimerProblems(settingsOf(text), live({ init: 'sysv' }))
  expect(found.map(({ message }) => message)).toEqual([
    `${variable} needs a timer of systemd, which does not run here`,
  ])
})

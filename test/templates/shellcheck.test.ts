import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { BACKENDS, banCommand } from '../../src/policy/backends/backends.ts'
import type { Backend, Target } from '../../src/policy/backends/definition.ts'
import { BANS_UNIT, banSetFiles, UNIT_PATH } from '../../src/policy/ban-set.ts'
import { MAKE_WAY, removeLegacyRules } from '../../src/policy/legacy-bans.ts'
import { describeWith } from '../ansible/requirements.ts'
import { checkout } from '../checkout.ts'
import { LAN, settingsOf } from '../plan/live.ts'

const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

const SETS: readonly (readonly [Backend, Target])[] = [
  ...(['DROP', 'REJECT', 'CHAOS', 'TARPIT', 'DELUDE'] as const).map((target) => ['ipset', target] as const),
  ['nft', 'DROP'],
  ['route', 'DROP'],
]

/** The loop that the unit runs. */
const loopOf = (backend: Backend, target: Target): string => {
  const unit = banSetFiles({
    ...{ settings: settingsOf(LAN), backend, target, protectedNetworks: [], database: '' },
    ...{ blockedPaths: [], writesDenied: false },
  }).get(UNIT_PATH)
  return /^ExecStart=\/bin\/sh -c '([^'%$]+)'$/m.exec(unit ?? '')?.[1] ?? ''
}

const ofBackends = SETS.flatMap(([backend, target]) => {
  const { hook, remove } = BACKENDS[backend]
  const of = `${backend} with ${target}`
  return [
    [`hook of ${of}`, ['set -e', ...hook(target)].join('\n')],
    [`removal of ${of}`, ['set -e', ...remove(target)].join('\n')],
    [`${BANS_UNIT} for ${of}`, loopOf(backend, target)],
  ] as const
})

const ofFirstVersion = [
  ['the old chain out of the way', MAKE_WAY] as const,
  ...[null, ...SETS].map((set) => {
    const loaded = set === null ? null : { backend: set[0], target: set[1] }
    return [`removal of the old rules beside ${set?.join(' with ')}`, removeLegacyRules(loaded)] as const
  }),
]

/** portsentry puts an address in for $TARGET$ before a shell sees the command. */
const killRoutes = SETS.filter(([, target]) => target === 'DROP').flatMap(([backend]) =>
  [true, false].map((seesIPv6) => {
    const command = banCommand(backend, 86_400, seesIPv6)
    const address = command.startsWith('case') ? '"$ADDRESS"' : '192.0.2.1'
    return [`KILL_ROUTE of ${backend}, IPv6 ${seesIPv6}`, command.replaceAll('$TARGET$', address)] as const
  }),
)

const userData = parse(read('examples/cloud-init/user-data')) as { runcmd: string[] }
const gitlab = parse(read('examples/ci/gitlab-ci.yml')) as { portward: Record<string, string[]> }
const workflow = parse(read('examples/ci/github-workflow.yml')) as {
  jobs: Record<string, { steps: { run?: string }[] }>
}

const lateCommand = /sh -c '([^']*)'/.exec(read('examples/preseed/late-command.cfg'))?.[1] ?? ''

const examples = [
  ['examples/preseed/late-command.cfg', lateCommand.replaceAll('\\\n', '')],
  ['examples/cloud-init/user-data', userData.runcmd.join('\n')],
  ...['before_script', 'script'].map(
    (part) => [`gitlab-ci.yml ${part}`, (gitlab.portward[part] ?? []).join('\n')] as const,
  ),
  ...Object.values(workflow.jobs)
    .flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
    .map((run) => [`github-workflow.yml: ${run.split('\n', 1)[0]}`, run] as const),
] as const

// Of scripts that are files `npm run lint` does it.
describeWith({ '/usr/bin/shellcheck': 'shellcheck' }, 'shellcheck', () => {
  it.each([...ofBackends, ...ofFirstVersion, ...killRoutes, ...examples])(
    'has nothing to say about %s',
    (_, text) => {
      expect(text.trim()).not.toBe('')
      // The braces of nft are words.
      const { status, stdout } = spawnSync('/usr/bin/shellcheck', ['--shell=sh', '--exclude=SC1083', '-'], {
        input: text,
        encoding: 'utf8',
      })
      expect(stdout).toBe('')
      expect(status).toBe(0)
    },
  )
})

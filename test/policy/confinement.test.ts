import { expect, it } from 'vitest'
import { parseMounts, parseRights } from '../../src/facts/confinement.ts'
import type { UnitProperties } from '../../src/facts/systemd.ts'
import {
  type BanPath,
  configuredConfinement,
  confinementOf,
  findObstacles,
  findSandboxProblems,
} from '../../src/policy/confinement.ts'
import { writtenPaths } from '../../src/policy/written-paths.ts'

interface ProcessTexts {
  readonly mountinfo: string
  readonly status: string
  readonly isOnNetwork: boolean
}

const processOf = ({ mountinfo, status: text, isOnNetwork }: ProcessTexts) => ({
  mounts: parseMounts(mountinfo),
  ...parseRights(text),
  isOnNetwork,
})

const PATHS: BanPath = {
  writes: writtenPaths({
    usesOwnAction: true,
    writesDenied: true,
    killHostsDeny: '',
    historyPath: '/var/lib/portsentry/portsentry.history',
    blockedPaths: ['/var/lib/portsentry/portsentry.blocked.atcp'],
    emptiesBlocked: true,
  }),
  changesFirewall: ['portsentry', 'fail2ban'],
}
const IN_TMP: BanPath = {
  ...PATHS,
  writes: PATHS.writes.map((written) =>
    written.path.includes('blocked') ? { ...written, path: '/tmp/portsentry.blocked' } : written,
  ),
}

const unitOf = (properties: Readonly<Record<string, string>>): UnitProperties =>
  new Map(Object.entries(properties))

const HOST = '22 1 0:30 / / rw - ext4 /dev/vda1 rw\n23 22 0:31 / /run rw - tmpfs tmpfs rw\n'
const STRICT = '22 1 0:30 / / ro - ext4 /dev/vda1 rw\n23 22 0:31 / /run ro - tmpfs tmpfs rw\n'
const bind = (path: string, root = path, device = '0:30') =>
  `30 22 ${device} ${root} ${path} rw - ext4 x rw\n`
const status = (capabilities: string, uid = 0) =>
  `Name:\tfail2ban-server\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities}\nCapBnd:\t000001ffffffffff\n`

const CASES: readonly (readonly [
  what: string,
  texts: Partial<ProcessTexts>,
  unit: Readonly<Record<string, string>>,
  obstacles: readonly RegExp[],
  remedies: readonly string[],
])[] = [
  ['no sandbox', {}, { RestrictAddressFamilies: '~', SystemCallFilter: '~' }, [], []],
  [
    'a system that is read-only',
    { mountinfo: STRICT },
    {},
    [
      /^cannot write \/run\/portward\/denied \(bans for TCP wrappers\), .*blocked\.atcp \(hosts that portsentry has blocked\)$/,
    ],
    ['ReadWritePaths=/run/portward /var/lib/portsentry/portsentry.blocked.atcp'],
  ],
  [
    'the same with some paths bound',
    { mountinfo: STRICT + bind('/run/portward', '/portward', '0:31') },
    {},
    [/^cannot write \/var\/lib\/portsentry\/portsentry\.blocked\.atcp/],
    ['ReadWritePaths=/var/lib/portsentry/portsentry.blocked.atcp'],
  ],
  [
    'a file that another should take the place of, bound by itself',
    {
      mountinfo: STRICT + bind('/var/lib') + bind('/run/portward/denied', '/portward/denied', '0:31'),
    },
    {},
    [/^cannot write \/run\/portward\/denied/],
    ['ReadWritePaths=/run/portward'],
  ],
  [
    'a /run of its own',
    { mountinfo: HOST + bind('/run', '/', '0:77') },
    {},
    [/^does not see the server's files at \/run\/portward\/denied/],
    ['BindPaths=/run/portward'],
  ],
  [
    'no CAP_NET_ADMIN',
    { status: status('0000002000000004') },
    {},
    [/CAP_NET_ADMIN/],
    ['CapabilityBoundingSet=CAP_NET_ADMIN'],
  ],
  ["the sandbox of fail2ban's own documentation", { status: status('0000002000003004') }, {}, [], []],
  ['another user', { status: status('000001ffffffffff', 105) }, {}, [/not run as root/], ['User=root']],
  ['another network', { isOnNetwork: false }, {}, [/of its own network namespace/], ['PrivateNetwork=no']],
  [
    'no netlink among what is allowed',
    {},
    { RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6' },
    [/AF_NETLINK/],
    ['RestrictAddressFamilies=AF_NETLINK'],
  ],
  ['netlink among what is allowed', {}, { RestrictAddressFamilies: 'AF_NETLINK AF_UNIX' }, [], []],
  [
    'netlink among what is refused',
    {},
    { RestrictAddressFamilies: '~AF_NETLINK AF_PACKET' },
    [/AF_NETLINK/],
    ['RestrictAddressFamilies=AF_NETLINK'],
  ],
]

it.each(CASES)('a process with %s', (_what, texts, unit, messages, remedies) => {
  const given = { mountinfo: HOST, status: status('000001ffffffffff'), isOnNetwork: true, ...texts }
  const obstacles = findObstacles(
    confinementOf(processOf(given), unitOf(unit)),
    parseMounts(HOST),
    'fail2ban',
    PATHS,
  )
  expect(obstacles.map(({ remedy }) => remedy)).toEqual(remedies)
  for (const [index, message] of messages.entries()) expect(obstacles[index]?.what).toMatch(message)
})

it('has a private /tmp taken away', () => {
  const mountinfo = HOST + bind('/tmp', '/tmp/systemd-private-1/tmp')
  const process = processOf({ mountinfo, status: status('000001ffffffffff'), isOnNetwork: true })
  expect(
    findObstacles(confinementOf(process, new Map()), parseMounts(HOST), 'fail2ban', IN_TMP),
  ).toMatchObject([{ what: expect.stringMatching(/\/tmp\/portsentry\.blocked/), remedy: 'PrivateTmp=no' }])
})

it.each<[what: string, unit: Readonly<Record<string, string>>, remedies: readonly string[]]>([
  ['nothing', {}, []],
  ['ProtectSystem=full', { ProtectSystem: 'full' }, []],
  ['ProtectSystem=yes', { ProtectSystem: 'yes' }, []],
  [
    'ProtectSystem=strict',
    { ProtectSystem: 'strict', ReadWritePaths: '-/run/fail2ban -/var/lib/fail2ban' },
    ['ReadWritePaths=/run/portward /var/lib/portsentry/portsentry.blocked.atcp'],
  ],
  ['what it takes', { ProtectSystem: 'strict', ReadWritePaths: '-/run/portward/ /var/lib' }, []],
  ['InaccessiblePaths', { InaccessiblePaths: '/run/portward' }, ['ReadWritePaths=/run/portward']],
  ['all capabilities', { CapabilityBoundingSet: 'cap_chown cap_net_admin cap_net_raw' }, []],
  ['few capabilities', { CapabilityBoundingSet: 'cap_chown' }, ['CapabilityBoundingSet=CAP_NET_ADMIN']],
  ['PrivateNetwork', { PrivateNetwork: 'yes' }, ['PrivateNetwork=no']],
  ['User', { User: 'fail2ban' }, ['User=root']],
])('a unit with %s', (_what, unit, remedies) => {
  const confinement = configuredConfinement(unitOf(unit))
  expect(findObstacles(confinement, [], 'fail2ban', PATHS).map(({ remedy }) => remedy)).toEqual(remedies)
})

it('names the last file of the unit, and what to add to it', () => {
  const unit = unitOf({
    ProtectSystem: 'strict',
    ReadWritePaths: '/var/lib',
    FragmentPath: '/lib/systemd/system/fail2ban.service',
    DropInPaths:
      '/etc/systemd/system/fail2ban.service.d/a.conf /etc/systemd/system/fail2ban.service.d/b.conf',
  })
  expect(findSandboxProblems(new Map([['fail2ban', unit]]), PATHS)).toEqual([
    {
      severity: 'warning',
      code: 'sandbox',
      message:
        'in the sandbox of fail2ban.service fail2ban cannot write /run/portward/denied (bans for TCP wrappers): it could not ban as planned',
      hint: 'systemctl edit fail2ban: [Service] ReadWritePaths=/run/portward; then systemctl restart fail2ban',
      at: { path: '/etc/systemd/system/fail2ban.service.d/b.conf' },
    },
  ])
})

const CONFIGURED = {
  usesOwnAction: true,
  writesDenied: true,
  killHostsDeny: '',
  historyPath: '/h',
  blockedPaths: ['/b'],
  emptiesBlocked: true,
}

it.each<[what: string, changes: Partial<typeof CONFIGURED>, portsentry: string, fail2ban: string]>([
  ['all of it', {}, '/h /b', '/run/portward/denied /b'],
  ['where no daemon asks hosts.deny', { writesDenied: false }, '/h /b', '/b'],
  ['portsentry 2.x', { emptiesBlocked: false }, '/h /b', '/run/portward/denied'],
  ['a BANACTION of one’s own', { usesOwnAction: false }, '/h /b', ''],
  [
    'nothing of portward’s',
    { usesOwnAction: false, writesDenied: false, killHostsDeny: 'ALL: $TARGET$' },
    '/etc/hosts.deny /h /b',
    '',
  ],
])('what is written: %s', (_what, changes, portsentry, fail2ban) => {
  const paths = writtenPaths({ ...CONFIGURED, ...changes })
  const by = (service: 'portsentry' | 'fail2ban') =>
    paths.flatMap((written) => (written.by.includes(service) ? [written.path] : [])).join(' ')
  expect(by('portsentry')).toBe(portsentry)
  expect(by('fail2ban')).toBe(fail2ban)
})

it.each([
  [['portsentry', 'fail2ban'] as const, ['CapabilityBoundingSet=CAP_NET_ADMIN']],
  [['portsentry'] as const, []],
])('asks for CAP_NET_ADMIN where the service changes the firewall: %j', (changesFirewall, remedies) => {
  const confinement = configuredConfinement(unitOf({ CapabilityBoundingSet: 'cap_chown' }))
  const obstacles = findObstacles(confinement, [], 'fail2ban', { ...PATHS, changesFirewall })
  expect(obstacles.map(({ remedy }) => remedy)).toEqual(remedies)
})

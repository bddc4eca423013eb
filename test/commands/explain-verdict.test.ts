import { describe, expect, test } from 'vitest'
import { concludeFrom } from '../../src/commands/explain-verdict.ts'
import type { Daemons, Explanation } from '../../src/commands/explanation.ts'
import type { Action } from '../../src/detector/decision.ts'
import type { Prediction } from '../../src/detector/predict.ts'
import type { JailState } from '../../src/facts/fail2ban.ts'
import type { BanRow, BanStore, StoreReading } from '../../src/policy/banned.ts'

const prospect = (more: Partial<Prediction> = {}): Prediction => ({
  mode: 'atcp',
  verdict: 'act',
  ignoredByLine: null,
  atPacket: 1,
  protocols: [
    {
      protocol: 'tcp',
      port: 1,
      block: 1,
      actions: [{ kind: 'command', option: 'KILL_ROUTE', command: 'drop' }],
    },
  ],
  ...more,
})
const protocol = (name: 'tcp' | 'udp', ...actions: Action[]) => ({
  protocol: name,
  port: 1,
  block: actions.length > 0 ? (1 as const) : (0 as const),
  actions,
})
const ROUTED: Action = { kind: 'command', option: 'KILL_ROUTE', command: 'drop' }
const DENIED: Action = { kind: 'hosts-deny', option: 'KILL_HOSTS_DENY', line: 'ALL: x' }
const MAILED: Action = { kind: 'command', option: 'KILL_RUN_CMD', command: 'mail' }
const BROKEN: Action = { kind: 'impossible', option: 'KILL_ROUTE', reason: 'no $TARGET$' }
const LOGGING = { protocols: [{ protocol: 'tcp' as const, port: 1, block: 0 as const, actions: [] }] }

const daemons = (more: Partial<Daemons> = {}): Daemons => ({
  title: 'portsentry',
  dialect: '1.2',
  isRunning: true,
  deaf: {},
  faults: [],
  stale: [],
  predictions: [prospect()],
  ignoredBy: null,
  ...more,
})

const jail = (more: Partial<JailState> = {}): JailState => ({
  jails: ['portsentry'],
  ignoredBy: null,
  ignoreipUnread: [],
  bantimeS: 600,
  bannedBy: [],
  ...more,
})
const OFF = { jail: jail({ bantimeS: null }) }

const row = (missing: readonly BanStore[] = [], detail = 'somewhere'): BanRow => ({
  address: '203.0.113.9',
  source: 'portsentry',
  from: null,
  mode: null,
  port: 1,
  protocol: 'tcp',
  reason: null,
  sinceMs: 0,
  untilMs: 'permanent',
  where: [
    {
      ...{ store: 'firewall', address: '203.0.113.9', detail },
      ...{ sinceMs: null, untilMs: null, port: null, protocol: null, mode: null },
    },
  ],
  missing,
  protectedBy: null,
})

const OPEN = { firewall: { state: 'open', details: '' } } as const
const SHUT = { firewall: { state: 'banned', details: 'ipset portward' } } as const
const UNSURE = { firewall: { state: 'unknown', details: 'not root' } } as const
const PROTECTED = { protectors: [{ entry: 'LAN', at: { path: 'config.env', line: 1 } }] }

const concluded = (more: Partial<Explanation>) =>
  concludeFrom({
    address: '203.0.113.9',
    protectors: [],
    protectionUnknown: null,
    ban: null,
    stores: [],
    lastScan: null,
    historyUnread: '',
    ...OPEN,
    daemons: daemons(),
    jail: jail(),
    jailFiles: { isEnabled: false, bantime: null, ignoredBy: null, ignoreipUnread: [] },
    wrapperUnread: '',
    wrapped: [],
    wrappers: [],
    ...more,
  })

const blocked = prospect({ verdict: 'already-blocked' })
const only = (one: Partial<Prediction>, more: Partial<Daemons> = {}) => ({
  daemons: daemons({ predictions: [prospect(one)], ...more }),
})

test('is not said to be free where stores could not be read', () => {
  const unread = (store: BanStore): StoreReading => {
    return { store, state: 'incomplete', bans: [], isExpected: false, note: 'x' }
  }
  const stores = [unread('fail2ban'), unread('firewall')]
  expect(concluded({ stores, ...UNSURE, jail: null }).text).toMatch(
    /^is not banned where that could be read \(not read: fail2ban, firewall\) and not protected: /,
  )
  expect(concluded({ stores, ...PROTECTED, daemons: null, jail: null }).text).toMatch(
    /could not check portsentry, which may not ignore it; no ban found where that could be read \(not read: fail2ban, firewall\)$/,
  )
})

describe('a host is', () => {
  test.each<[string, Partial<Explanation>, string, RegExp]>([
    [
      'unprotected',
      {},
      'would-be-banned',
      /the first packet .* by portsentry and fail2ban, if the firewall lets that packet in/,
    ],
    ['unprotected before a patient daemon', only({ atPacket: 3 }), 'would-be-banned', /packet 3 /],
    ['banned by fail2ban alone', only(LOGGING), 'would-be-banned', /banned by fail2ban, if /],
    ['banned by portsentry alone', OFF, 'would-be-banned', /banned by portsentry, if /],
    [
      'banned by the files of a fail2ban that was not asked',
      { jail: null, jailFiles: { isEnabled: true, bantime: '1d', ignoredBy: null, ignoreipUnread: [] } },
      'would-be-banned',
      /by portsentry and fail2ban \(fail2ban according to its files: the running one was not asked\), if /,
    ],
    [
      'banned for TCP alone',
      { ...OFF, ...only({ protocols: [protocol('tcp', ROUTED), protocol('udp')] }) },
      'would-be-banned',
      /by portsentry, if /,
    ],
    [
      'banned in hosts.deny alone',
      { ...OFF, ...only({ protocols: [protocol('tcp', DENIED)] }) },
      'would-be-banned',
      /by portsentry \(in hosts\.deny only\), if /,
    ],
    [
      'not banned by a mail',
      { ...OFF, ...only({ protocols: [protocol('tcp', MAILED, BROKEN)] }) },
      'would-be-logged',
      /a scan is logged and KILL_RUN_CMD runs; nothing else bans it$/,
    ],
    [
      'logged while fail2ban is silent',
      { ...only(LOGGING), jail: jail({ jails: null, bantimeS: null }) },
      'would-be-logged',
      /does not ban; fail2ban is not running, or does not answer$/,
    ],
    [
      'banned by another jail',
      { jail: jail({ bannedBy: ['sshd'] }) },
      'would-be-banned',
      /^is not banned for a scan \(but fail2ban's jail sshd has banned it\) and not protected: /,
    ],
    [
      'perhaps protected',
      { protectionUnknown: 'config.env:1: wrong' },
      'would-be-banned',
      /^is not banned; cannot determine protected hosts: the first packet /,
    ],
    ['only logged', { ...only(LOGGING), ...OFF }, 'would-be-logged', /logged/],
    [
      'allowlisted in fail2ban',
      { ...only(LOGGING), jail: jail({ ignoredBy: 'x' }) },
      'would-be-logged',
      /logged/,
    ],
    ['undetected', { daemons: daemons({ isRunning: false }) }, 'undetected', /IS NOT RUNNING/],
    [
      'undetected by a daemon that is not running and would not start',
      { daemons: daemons({ isRunning: false, faults: ['conf:1: odd'] }) },
      'undetected',
      /IS NOT RUNNING, and would not start \(conf:1: odd\): a scan is not detected$/,
    ],
    [
      'undetected in a tree whose daemon would not start',
      { daemons: daemons({ isRunning: null, faults: ['conf:1: odd'] }) },
      'undetected',
      /WOULD NOT START \(conf:1: odd\): a scan is not detected$/,
    ],
    [
      'not judged by files beside that of the daemon',
      {
        daemons: daemons({
          dialect: '2.x',
          stale: ['was started with another configuration file /srv/conf'],
        }),
      },
      'unknown',
      /cannot determine what a scan would lead to: portsentry was started with another configuration file \/srv\/conf$/,
    ],
    [
      'not judged by files that the daemon has not read',
      { daemons: daemons({ stale: ['was started before /conf changed'] }) },
      'unknown',
      /lead to: portsentry was started before \/conf changed$/,
    ],
    [
      'not judged by files that the daemon cannot have read',
      { daemons: daemons({ faults: ['conf:1: odd'] }) },
      'unknown',
      /lead to: portsentry would not start again with its files as they are now$/,
    ],
    [
      'not ignored for sure by a list that the daemon has not read',
      only(
        { verdict: 'ignored' },
        { dialect: '2.x', stale: ['was started before /list changed'], ignoredBy: '/list:1' },
      ),
      'unknown',
      /started before \/list changed$/,
    ],
    [
      'undetected by a daemon that hangs',
      { daemons: daemons({ deaf: { atcp: 'it has no raw TCP socket open' } }) },
      'undetected',
      /IS RUNNING, BUT DOES NOT WATCH \(it has no raw TCP socket open\)/,
    ],
    [
      'detected by the other of two daemons',
      {
        daemons: daemons({
          predictions: [blocked, prospect({ mode: 'audp' })],
          deaf: { atcp: 'x' },
        }),
      },
      'would-be-banned',
      /./,
    ],
    ['unseen', only({ verdict: 'unseen' }), 'undetected', /IPv6/],
    ['taken for blocked', { daemons: daemons({ predictions: [blocked] }) }, 'undetected', /has no effect/],
    [
      'taken for blocked in one mode',
      { daemons: daemons({ predictions: [blocked, prospect()] }) },
      'would-be-banned',
      /./,
    ],
    [
      'taken for blocked by 2.x',
      only({ verdict: 'already-blocked' }, { dialect: '2.x' }),
      'would-be-banned',
      /by fail2ban$/,
    ],
    ['ignored', only({ verdict: 'ignored' }, { ignoredBy: 'list:1' }), 'ignored', /by list:1$/],
    ['unknown', { daemons: null }, 'unknown', /could not check portsentry/],
    ['unknown without modes', { daemons: daemons({ predictions: [] }) }, 'unknown', /modes/],
    ['banned', { ...SHUT, ban: row() }, 'banned', /permanent$/],
    ['banned with a gap', { ...SHUT, ban: row(['hosts.deny']) }, 'banned', /MISSING in hosts\.deny$/],
    [
      'banned where nobody could look',
      { ...UNSURE, ban: row() },
      'banned',
      /cannot determine whether the firewall blocks it \(not root\)$/,
    ],
    ['banned by a route', { ...UNSURE, ban: row([], 'blackhole route') }, 'banned', /./],
    ['banned, but let in by the firewall', { ban: row() }, 'ban-not-in-force', /NOT BLOCKED BY THE FIREWALL/],
    ['banned as far as is known', { ...UNSURE, ban: row() }, 'banned', /blocks it \(not root\)$/],
    [
      'detected by 1.2 behind the firewall',
      {},
      'would-be-banned',
      /lets that packet in, which was not checked$/,
    ],
    ['detected by 2.x before the firewall', only({}, { dialect: '2.x' }), 'would-be-banned', /fail2ban$/],
    ['protected', { ...PROTECTED, ...only({ verdict: 'ignored' }) }, 'protected', /config\.env:1: LAN/],
    ['protected, but not ignored', PROTECTED, 'protected-but-not-ignored', /DOES NOT IGNORE IT/],
    [
      'protected, but not ignored, once it runs',
      { ...PROTECTED, daemons: daemons({ isRunning: false }) },
      'protected-but-not-ignored',
      /get it banned as soon as portsentry runs; /,
    ],
    [
      'protected by a list that the daemon may not have read',
      {
        ...PROTECTED,
        ...only({ verdict: 'ignored' }, { dialect: '2.x', stale: ['was started before /list changed'] }),
      },
      'unknown',
      /the running portsentry may not ignore it: .*before \/list changed/,
    ],
    [
      'protected by a list that 1.2 reads at each packet',
      { ...PROTECTED, ...only({ verdict: 'ignored' }, { stale: ['was started before /conf changed'] }) },
      'protected',
      /./,
    ],
    [
      'protected from a portsentry that could not be checked',
      { ...PROTECTED, daemons: null },
      'unknown',
      /could not check portsentry, which may not ignore it; no ban found$/,
    ],
    ['protected where nobody bans', { ...PROTECTED, ...only(LOGGING), ...OFF }, 'protected', /./],
    ['protected but banned', { ...PROTECTED, ban: row() }, 'protected-but-banned', /BUT BANNED in firewall/],
  ])('%s', (_, more, verdict, text) => {
    const said = concluded(more)
    expect(said.verdict).toBe(verdict)
    expect(said.text).toMatch(text)
  })
})

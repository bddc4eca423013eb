import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseNetwork } from '../../src/network.ts'
import { ACTION, BANS_CONF, BY_HAND, banSetFiles, LOADER } from '../../src/policy/ban-set.ts'
import { checkout } from '../checkout.ts'
import { LAN, settingsOf } from '../plan/live.ts'

/** Debian's own is the one that runs them. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** What both programs take for the present. */
const NOW = 1_800_000_000

const STUB = `
class ActionBase(object):
    def __init__(self, jail, name):
        self._jail, self._name = jail, name
`

/** As much of fail2ban's as the program uses. */
const TICKET = `
class FailTicket(object):
    MAX_TIME = 0x7FFFFFFFFFFF
    def __init__(self, address, time):
        self.address, self.time, self.bantime, self.count, self.data = address, time, None, 0, {}
    def getID(self): return self.address
    def getTime(self): return self.time
    def setBanTime(self, seconds): self.bantime = seconds
    def getEndOfBanTime(self, default):
        seconds = default if self.bantime is None else self.bantime
        return self.MAX_TIME if seconds == -1 else self.time + seconds
    def setBanCount(self, count): self.count = count
    def setData(self, key, value): self.data[key] = value
    def getData(self, key): return self.data.get(key)
    def __repr__(self): return ' '.join(map(str, (self.address, self.time, self.bantime, self.count, self.data)))
`

/** Makes `bans` and `action` of the programs, at NOW; the action in a jail whose actions go on until \`stopping()\`. */
const PRELUDE = `
import importlib.util, sys, time, types
time.time = lambda: ${NOW}
def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
bans = module('bans', 'bans.py')
actions = types.SimpleNamespace(active=True)
action = module('action', 'action.py').Action(types.SimpleNamespace(actions=actions), 'portward')
def info(ip, bantime=86400, time=${NOW}, restored=False):
    return dict(ip=ip, time=time, bantime=bantime, restored=restored)
`

interface Row {
  readonly ip: string
  readonly jail?: string
  readonly ago?: number
  readonly bantime?: number
}

/** The programs with a configuration for nft whose commands write down what they are given. */
const make = (config = '', rows: readonly Row[] | string | null = []) => {
  const home = mkdtempSync(join(tmpdir(), 'portward-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const path = (name: string) => join(home, name)
  const read = (name: string) => {
    try {
      return readFileSync(path(name), 'utf8')
    } catch {
      return null
    }
  }
  const files = banSetFiles({
    settings: settingsOf(LAN + config),
    backend: 'nft',
    target: 'DROP',
    protectedNetworks: ['127.0.0.0/8', '::1', '2001:db8:5::7'].flatMap((text) => parseNetwork(text) ?? []),
    database: path('database'),
    blockedPaths: [path('blocked.atcp'), path('blocked.audp')],
    writesDenied: true,
  })
  const text = (name: string) => files.get(name) ?? ''
  mkdirSync(path('stub/fail2ban/server'), { recursive: true })
  writeFileSync(path('stub/fail2ban/server/action.py'), STUB)
  writeFileSync(path('stub/fail2ban/server/ticket.py'), TICKET)
  writeFileSync(path('bans.py'), text(LOADER).replace(BANS_CONF, path('bans.conf')))
  writeFileSync(
    path('action.py'),
    text(ACTION).replace(LOADER, path('bans.py')).replace(BY_HAND, path('by-hand.py')),
  )
  writeFileSync(path('by-hand.py'), text(BY_HAND))
  writeFileSync(path('rules'), 'RULES\n')
  // A file `fail` has it fail once.
  writeFileSync(
    path('script'),
    `echo >>${path('runs')}; cat >>${path('said')}; ! rm ${path('fail')} 2>/dev/null`,
  )
  writeFileSync(
    path('bans.conf'),
    text(BANS_CONF)
      .replace(/^denied = .*$/m, `denied = ${path('run/denied')}`)
      .replace(/^rules = .*$/m, `rules = ${path('rules')}`)
      .replace(/^script = .*$/m, `script = sh ${path('script')}`)
      .replace(/^hook = .*$/m, `hook = echo HOOK >>${path('said')}`),
  )
  const python = (code: string): string =>
    execFileSync(PYTHON, ['-c', PRELUDE + code], {
      cwd: home,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, PYTHONPATH: path('stub'), PYTHONDONTWRITEBYTECODE: '1' },
    })
  if (typeof rows === 'string') writeFileSync(path('database'), rows)
  else if (rows !== null)
    python(`
import json, sqlite3
with sqlite3.connect('database') as database:
    database.execute('CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON, PRIMARY KEY(ip, jail))')
    for row in json.loads(${JSON.stringify(JSON.stringify(rows))}):
        values = row['ip'], row.get('jail', 'portsentry'), ${NOW} - row.get('ago', 0), row.get('bantime', 86400)
        database.execute('INSERT INTO bips(ip, jail, timeofban, bantime) VALUES(?, ?, ?, ?)', values)
`)
  /** What the commands were given by this code. */
  const said = (code: string): string[] => {
    rmSync(path('said'), { force: true })
    python(code)
    return (read('said') ?? '').split('\n').slice(0, -1)
  }
  return { path, read, python, said }
}

const add = (set: string, element: string, seconds?: number) =>
  `add element inet portward ${set} { ${element} ${seconds === undefined ? '' : `timeout ${seconds}s`} }`
const del = (set: string, element: string) => `delete element inet portward ${set} { ${element} }`

it.each(readdirSync(join(checkout, 'templates')))('templates/%s can be read at a glance', (name) => {
  const lines = readFileSync(join(checkout, 'templates', name), 'utf8')
    .trimEnd()
    .split('\n').length
  expect(lines).toBeLessThanOrEqual(name === 'bans.py' ? 40 : 60)
})

describe('the loader', () => {
  it('loads the rules, then who is still banned in the jail, for as long as that is', () => {
    const { read, said } = make('', [
      { ip: '192.0.2.1', ago: 400 },
      { ip: '192.0.2.2', ago: 86_399 },
      { ip: '192.0.2.3', ago: 86_400 },
      { ip: '192.0.2.4', ago: 400, bantime: -1 },
      // Longer than the kernel can count.
      { ip: '192.0.2.5', bantime: 2_147_484 },
      { ip: '192.0.2.6', bantime: 2_147_483 },
      { ip: '192.0.2.7', jail: 'sshd' },
      { ip: '198.51.100.0/24' },
      { ip: '2001:db8::1' },
    ])
    expect(said('bans.load()')).toEqual([
      'RULES',
      add('hosts4', '192.0.2.1', 86_000),
      add('hosts4', '192.0.2.2', 1),
      add('hosts4', '192.0.2.4'),
      add('hosts4', '192.0.2.5'),
      add('hosts4', '192.0.2.6', 2_147_483),
      add('hosts6', '2001:db8::1', 86_400),
      'HOOK',
    ])
    expect(read('run/denied')?.split('\n')).toEqual([
      ...['192.0.2.1', '192.0.2.2', '192.0.2.4', '192.0.2.5', '192.0.2.6'],
      ...['[2001:db8::1]', ''],
    ])
  })

  it.each([
    ['is missing', null],
    ['is damaged', 'no database at all, and long enough not to be taken for an empty one'],
    ['is empty', ''],
  ])('loads the rules where the database %s', (_, database) => {
    const { read, said } = make('', database)
    expect(said('bans.load()')).toEqual(['RULES', 'HOOK'])
    expect(read('run/denied')).toBe('')
  })

  // Both come from fail2ban: a ban that it prolongs lasts as long as its log lines say to a fraction, and `banip` takes any word.
  it('loads the bans that the tools take, whatever else is in the database', () => {
    const { read, said } = make('BAN_IPV6_PREFIX=64\n', [
      { ip: '192.0.2.1', bantime: 86_400.25 },
      { ip: '192.0.2.2', ago: 86_400, bantime: 86_400.5 },
      ...['foo', 'cafe', '1.2.3', '', 'fe80::1%eth0', '198.51.100.0/24', '2001:db8::/64'].map((ip) => ({
        ip,
      })),
    ])
    const lines = [add('hosts4', '192.0.2.1', 86_400)]
    expect(said('bans.load()')).toEqual(['RULES', ...lines, 'HOOK'])
    expect(read('run/denied')).toBe('192.0.2.1\n')
  })

  it('fails where its commands fail, and leaves it at that', () => {
    const { path, read, python } = make('', [{ ip: '192.0.2.1' }])
    writeFileSync(path('fail'), '')
    expect(() => python('bans.load()')).toThrow(/non-zero exit status/)
    expect(read('said')).not.toContain('HOOK')
  })

  it('runs by itself', () => {
    const { path, read } = make('', [{ ip: '192.0.2.1', bantime: -1 }])
    expect(spawnSync(PYTHON, [path('bans.py')]).status).toBe(0)
    expect(read('said')?.split('\n')).toEqual(['RULES', add('hosts4', '192.0.2.1'), 'HOOK', ''])
  })

  it.each<[string, config: string, address: string, string[]]>([
    ['a host', '', '2001:db8:9::7', [add('hosts6', '2001:db8:9::7', 60)]],
    [
      'its network as well',
      'BAN_IPV6_PREFIX=64\n',
      '2001:db8:9::7',
      [add('hosts6', '2001:db8:9::7', 60), add('networks6', '2001:db8:9::/64', 60)],
    ],
    [
      'not a network that has a protected host',
      'BAN_IPV6_PREFIX=64\n',
      '2001:db8:5::9',
      [add('hosts6', '2001:db8:5::9', 60)],
    ],
    ['no network of IPv4', 'BAN_IPV6_PREFIX=64\n', '192.0.2.1', [add('hosts4', '192.0.2.1', 60)]],
  ])('bans %s', (_, config, address, lines) => {
    const { python } = make(config)
    const printed = python(`sys.stdout.write(bans.line('add', '${address}', 60))`)
    expect(printed.split('\n')).toEqual([...lines, ''])
  })

  it('leaves no part of a list of banned hosts, and none at all where none is kept', () => {
    const { path, read, python } = make()
    python("bans.deny(['192.0.2.1', '2001:db8::1'], 'w'); bans.deny(['192.0.2.2'])")
    expect(read('run/denied')).toBe('192.0.2.1\n[2001:db8::1]\n192.0.2.2\n')
    python("bans.CONF['denied'] = ''; bans.deny(['192.0.2.3'])")
    expect(read('run/denied')).not.toContain('192.0.2.3')
    expect(spawnSync('ls', [path('run')], { encoding: 'utf8' }).stdout).toBe('denied\n')
  })
})

describe("fail2ban's action", () => {
  const started = (code: string) => `action.start()\nopen('said', 'w').close()\n${code}`

  it('loads all bans when it starts, when it is reloaded and when it is to repair', () => {
    const { said } = make('', [{ ip: '192.0.2.1', bantime: -1 }])
    const loaded = ['RULES', add('hosts4', '192.0.2.1'), 'HOOK']
    expect(said('action.start()')).toEqual(loaded)
    expect(said(started('action.reload()'))).toEqual(loaded)
    expect(said(started('action.consistencyCheck()'))).toEqual(loaded)
    expect(said(started('action.stop()'))).toEqual([])
  })

  it.each<[what: string, call: string, lines: string[]]>([
    ['a new ban', "action.ban(info('192.0.2.1'))", [add('hosts4', '192.0.2.1', 86_400)]],
    [
      'a ban that began some time ago',
      `action.ban(info('192.0.2.1', time=${NOW - 400}))`,
      [add('hosts4', '192.0.2.1', 86_000)],
    ],
    [
      'one that should be over',
      `action.ban(info('192.0.2.1', time=${NOW - 90_000}))`,
      [add('hosts4', '192.0.2.1', 1)],
    ],
    // Its element may be there, with the timeout of the first ban.
    [
      'a longer ban for who comes back',
      "action.ban(info('192.0.2.1', bantime=172800))",
      [add('hosts4', '192.0.2.1', 172_800), del('hosts4', '192.0.2.1'), add('hosts4', '192.0.2.1', 172_800)],
    ],
    [
      'a ban that is prolonged',
      "action.prolong(info('192.0.2.1'))",
      [add('hosts4', '192.0.2.1', 86_400), del('hosts4', '192.0.2.1'), add('hosts4', '192.0.2.1', 86_400)],
    ],
    [
      'a permanent ban',
      "action.ban(info('192.0.2.1', bantime=-1))",
      [add('hosts4', '192.0.2.1'), del('hosts4', '192.0.2.1'), add('hosts4', '192.0.2.1')],
    ],
    ['a ban that fail2ban restores', "action.ban(info('192.0.2.1', restored=True))", []],
  ])('puts into the kernel: %s', (_, call, lines) => {
    const { read, said } = make()
    expect(said(started(call))).toEqual(lines)
    expect(read('run/denied')).toBe(lines.length === 0 ? '' : '192.0.2.1\n')
  })

  it.each(['foo', '1.2.3', '198.51.100.0/24'])('does not take %s for a ban, and says so', (ip) => {
    const { python, read } = make()
    expect(() => python(started(`action.ban(info('${ip}'))`))).toThrow(
      `${ip} is not the address of a host: not banned`,
    )
    expect(read('said')).toBe('')
    expect(read('run/denied')).toBe('')
  })

  it('puts the bans of a flood into the kernel by one command, and leaves none undone when it stops', () => {
    const { read, said } = make()
    const bans = "open('runs', 'w').close()\naction.ban(info('192.0.2.1'))\naction.ban(info('192.0.2.2'))\n"
    const lines = ['192.0.2.1', '192.0.2.2'].map((host) => add('hosts4', host, 86_400))
    expect(said(started(bans))).toEqual(lines)
    expect(read('runs')).toBe('\n')
    expect(read('run/denied')).toBe('192.0.2.1\n192.0.2.2\n')
    expect(said(started(`${bans}action.stop()\nassert not action.lines`))).toEqual(lines)
  })

  it('does not leave a host banned that is released at once', () => {
    const { read, said } = make()
    const ban = add('hosts4', '192.0.2.1', 86_400)
    expect(said(started("action.ban(info('192.0.2.1'))\naction.unban(info('192.0.2.1'))"))).toEqual([
      ...[ban, add('hosts4', '192.0.2.1'), del('hosts4', '192.0.2.1')],
    ])
    expect(read('run/denied')).toBe('')
  })

  it('takes a released host out of the kernel and of the list for hosts.deny', () => {
    const { read, said } = make('', [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }, { ip: '192.0.2.11' }])
    const lines = said(started("action.unban(info('2001:db8::1'))"))
    expect(lines).toEqual([add('hosts6', '2001:db8::1'), del('hosts6', '2001:db8::1')])
    expect(read('run/denied')).toBe('192.0.2.1\n192.0.2.11\n')
    said(started("action.unban(info('192.0.2.1'))"))
    expect(read('run/denied')).toBe('[2001:db8::1]\n192.0.2.11\n')
  })

  it('and its network with it', () => {
    const { said } = make('BAN_IPV6_PREFIX=64\n')
    expect(said(started("action.unban(info('2001:db8::1'))"))).toEqual([
      add('hosts6', '2001:db8::1'),
      add('networks6', '2001:db8::/64'),
      del('hosts6', '2001:db8::1'),
      del('networks6', '2001:db8::/64'),
    ])
  })

  it('empties the sets for `unban --all`, and keeps all bans when fail2ban stops', () => {
    const { read, said } = make('', [{ ip: '192.0.2.1' }])
    expect(said(started('actions.active = False\nassert action.flush()'))).toEqual([])
    expect(read('run/denied')).toBe('192.0.2.1\n')
    expect(said(started('assert action.flush()')).filter((line) => line !== '')).toEqual(
      ['hosts4', 'hosts6', 'networks6'].map((set) => `flush set inet portward ${set}`),
    )
    expect(read('run/denied')).toBe('')
  })

  it('loads everything again where another program has removed the rules, then does what it was to do', () => {
    const { said } = make('', [{ ip: '192.0.2.9', bantime: -1 }])
    const ban = add('hosts4', '192.0.2.1', 86_400)
    expect(said(started("open('fail', 'w').close()\naction.ban(info('192.0.2.1'))"))).toEqual([
      ...[ban, 'RULES', add('hosts4', '192.0.2.9'), 'HOOK', ban],
    ])
  })

  it.each(["action.ban(info('192.0.2.1'))", "action.unban(info('192.0.2.1'))", 'action.flush()'])(
    'empties the lists of portsentry 1.2 at %s, and makes none',
    (call) => {
      const { path, read, python } = make()
      writeFileSync(path('blocked.atcp'), 'Host: 192.0.2.1 Port: 1 TCP Blocked\n')
      python(started(call))
      expect(read('blocked.atcp')).toBe('')
      expect(read('blocked.audp')).toBeNull()
    },
  )
})

describe('bans by hand', () => {
  /** A jail with one banned host, which has been banned twice before; the calls that it gets are printed. */
  const JAIL = `
from fail2ban.server.ticket import FailTicket
held = FailTicket('192.0.2.1', ${NOW - 100.5})
held.setBanTime(86400)
database = types.SimpleNamespace(
    addBan=lambda jail, ticket: print('record', ticket),
    getBan=lambda address, jail: [(2, ${NOW - 90_000}, 86400)] if address == '192.0.2.2' else [])
actions.banManager, actions._getActionInfo, actions.getBanTime = [held], lambda ticket: ticket, lambda: 600
action._jail.database, action._jail.putFailTicket = database, lambda ticket: print('ban', ticket)
action.prolong = lambda ticket: print('prolong', ticket)
`
  const note = "{'reason': 'abuse', 'from': None}"

  it.each<[what: string, ban: string, calls: string[]]>([
    ['as long as the jail bans', `['192.0.2.3', None, ${note}]`, [`ban 192.0.2.3 ${NOW} None 0`]],
    ['for a minute', `['192.0.2.3', 60, ${note}]`, [`ban 192.0.2.3 ${NOW} 60 0`]],
    ['permanently', `['192.0.2.3', -1, ${note}]`, [`ban 192.0.2.3 ${NOW} -1 0`]],
    ['who was banned before', `['192.0.2.2', 60, ${note}]`, [`ban 192.0.2.2 ${NOW} 60 2`]],
    [
      'who is banned, for longer',
      `['192.0.2.1', 172800, ${note}]`,
      [`record 192.0.2.1 ${NOW - 100.5} 172900 0`, `prolong 192.0.2.1 ${NOW - 100.5} 172900 0`],
    ],
    [
      'who is banned, permanently',
      `['192.0.2.1', -1, ${note}]`,
      [`record 192.0.2.1 ${NOW - 100.5} -1 0`, `prolong 192.0.2.1 ${NOW - 100.5} -1 0`],
    ],
  ])('bans %s', (_, ban, calls) => {
    const printed = make().python(`${JAIL}action.by_hand(bans=[${ban}])`)
    expect(printed.trim().split('\n')).toEqual(calls.map((call) => `${call} {'portward': ${note}}`))
  })

  // It may have scanned since portward looked at the bans in force.
  it.each(['60', '86299', 'None'])('never shortens a ban that is in force, to %s', (seconds) => {
    const { python } = make()
    expect(python(`${JAIL}action.by_hand(bans=[['192.0.2.1', ${seconds}, ${note}]])\nprint(held)`)).toBe(
      `192.0.2.1 ${NOW - 100.5} 86400 0 {}\n`,
    )
    const forever = `${JAIL}held.setBanTime(-1)\naction.by_hand(bans=[['192.0.2.1', 172800, ${note}]])`
    expect(python(forever)).toBe('')
    const asTheJail = `${JAIL}held.setBanTime(None)\naction.by_hand(bans=[['192.0.2.1', 400, ${note}]])`
    expect(python(asTheJail)).toBe('')
  })

  it('bans without a database as well', () => {
    const printed = make().python(`${JAIL}
action._jail.database = None
action.by_hand(bans=[['192.0.2.2', 60, ${note}], ['192.0.2.1', -1, ${note}]])`)
    expect(printed).toMatch(/^ban 192\.0\.2\.2 .*\nprolong 192\.0\.2\.1 .*\n$/)
  })

  it('returns the notes on all bans that have one', () => {
    const { python } = make()
    expect(JSON.parse(python(`${JAIL}print(action.by_hand())`))).toEqual({})
    const noted = python(`${JAIL}held.setData('portward', ${note})\nprint(action.by_hand())`)
    expect(JSON.parse(noted)).toEqual({ '192.0.2.1': { reason: 'abuse', from: null } })
  })
})

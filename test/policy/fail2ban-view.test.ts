import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effective, enabledJails, type Fail2banView, viewFail2ban } from '../../src/policy/fail2ban-view.ts'

const view = (files: Readonly<Record<string, string>>): Fail2banView =>
  viewFail2ban(Object.entries(files).map(([path, text]) => ({ path, text })))

/** `value @ path:line` of a jail's key, with a `?` before what could not be resolved. */
const told = (files: Readonly<Record<string, string>>, jail: string, key: string): string | undefined => {
  const found = effective(view(files), jail, key)
  return found && `${found.resolved ? '' : '?'}${found.value} @ ${found.path}:${found.line}`
}

/** A small installation: what a distribution ships, in the shape in which it ships it. */
const STOCK = {
  'jail.conf': [
    '[INCLUDES]',
    'before = paths-here.conf',
    '[DEFAULT]',
    'bantime = 10m',
    'enabled = false',
    'mode = normal',
    'filter = %(__name__)s[mode=%(mode)s]',
    'port = 0:65535',
    'banaction = multiport',
    'action = %(banaction)s[port="%(port)s", chain="<known/chain>"]',
    '[sshd]',
    'port = ssh',
    'logpath = %(auth_log)s',
    '[portsentry]',
    'logpath = %(lib)s/history',
    'maxretry = 1',
  ].join('\n'),
  'paths-here.conf': '[DEFAULT]\nauth_log = /var/log/auth.log\nlib = /var/lib\n',
  'jail.d/defaults.conf': '[sshd]\nenabled = true\n',
}

describe('which file decides', () => {
  it.each([
    ['the stock value', {}, 'sshd', 'port', 'ssh @ jail.conf:12'],
    ['a default beneath every jail', {}, 'sshd', 'bantime', '10m @ jail.conf:4'],
    [
      'the jail’s own before a later default',
      { 'jail.local': '[DEFAULT]\nport = 1\n' },
      'sshd',
      'port',
      'ssh @ jail.conf:12',
    ],
    [
      'a later default before an earlier one',
      { 'jail.local': '[DEFAULT]\nbantime = 1d\n' },
      'sshd',
      'bantime',
      '1d @ jail.local:2',
    ],
    [
      'jail.d after jail.conf',
      { 'jail.d/a.conf': '[sshd]\nport = 1\n' },
      'sshd',
      'port',
      '1 @ jail.d/a.conf:2',
    ],
    [
      'jail.d in the order of names',
      { 'jail.d/b.conf': '[x]\nk=b\n', 'jail.d/a.conf': '[x]\nk=a\n' },
      'x',
      'k',
      'b @ jail.d/b.conf:2',
    ],
    [
      'jail.local after jail.d',
      { 'jail.local': '[x]\nk=l\n', 'jail.d/z.conf': '[x]\nk=z\n' },
      'x',
      'k',
      'l @ jail.local:2',
    ],
    [
      'a .local in jail.d last',
      { 'jail.local': '[x]\nk=l\n', 'jail.d/a.local': '[x]\nk=a\n' },
      'x',
      'k',
      'a @ jail.d/a.local:2',
    ],
    [
      'hidden files do not count',
      { 'jail.d/.a.conf': '[sshd]\nport = 1\n' },
      'sshd',
      'port',
      'ssh @ jail.conf:12',
    ],
    ['nor do others', { 'jail.d/a.conf.bak': '[sshd]\nport = 1\n' }, 'sshd', 'port', 'ssh @ jail.conf:12'],
    ['keys in any spelling', { 'jail.local': '[sshd]\nPORT = 1\n' }, 'sshd', 'Port', '1 @ jail.local:2'],
    ['a jail that nobody defines', {}, 'nosuch', 'port', undefined],
    ['a key that nobody sets', {}, 'sshd', 'findtime', undefined],
    ['the defaults themselves', {}, 'DEFAULT', 'bantime', '10m @ jail.conf:4'],
    [
      'a file that is not UTF-8 is left out',
      { 'jail.local': '[sshd]\nport = 1\n# \xe9\n' },
      'sshd',
      'port',
      'ssh @ jail.conf:12',
    ],
    [
      'a condition belongs to the key',
      { 'jail.local': '[sshd?x]\nport = 1\n' },
      'sshd',
      'port?x',
      '1 @ jail.local:2',
    ],
  ])('%s', (_what, files, jail, key, expected) => {
    expect(told({ ...STOCK, ...files }, jail, key)).toBe(expected)
  })
})

describe('what is included', () => {
  it.each([
    [
      'before',
      { 'jail.local': '[INCLUDES]\nbefore = x.conf\n[a]\nk = 2\n', 'x.conf': '[a]\nk = 1\n' },
      '2 @ jail.local:4',
    ],
    [
      'after',
      { 'jail.local': '[INCLUDES]\nafter = x.conf\n[a]\nk = 2\n', 'x.conf': '[a]\nk = 1\n' },
      '1 @ x.conf:2',
    ],
    [
      'its .local too',
      { 'jail.local': '[INCLUDES]\nbefore = x.conf\n', 'x.conf': '[a]\nk = 1\n', 'x.local': '[a]\nk = 3\n' },
      '3 @ x.local:2',
    ],
    [
      'several, one a line',
      {
        'jail.local': '[INCLUDES]\nbefore = x.conf\n  y.conf\n',
        'x.conf': '[a]\nk=1\n',
        'y.conf': '[a]\nk=2\n',
      },
      '2 @ y.conf:2',
    ],
    [
      'from where the file is',
      {
        'jail.d/a.conf': '[INCLUDES]\nbefore = x.inc\n',
        'jail.d/x.inc': '[a]\nk=1\n',
        'x.inc': '[a]\nk=2\n',
      },
      '1 @ jail.d/x.inc:2',
    ],
    [
      'from above',
      { 'jail.d/a.conf': '[INCLUDES]\nbefore = ../x.inc\n', 'x.inc': '[a]\nk=2\n' },
      '2 @ x.inc:2',
    ],
    [
      'by its full path',
      { 'jail.d/a.conf': '[INCLUDES]\nbefore = /etc/fail2ban/x.inc\n', 'x.inc': '[a]\nk=2\n' },
      '2 @ x.inc:2',
    ],
    [
      'nothing that is missing',
      { 'jail.local': '[INCLUDES]\nbefore = x.conf\n[a]\nk = 2\n' },
      '2 @ jail.local:4',
    ],
    [
      'itself, to no end',
      { 'jail.local': '[INCLUDES]\nafter = jail.local\n[a]\nk = 2\n' },
      '2 @ jail.local:4',
    ],
    [
      'each other, to no end',
      {
        'jail.local': '[INCLUDES]\nafter = x.conf\n',
        'x.conf': '[INCLUDES]\nafter = jail.local\n[a]\nk = 1',
      },
      '1 @ x.conf:4',
    ],
    [
      'each other’s .local',
      { 'jail.local': '[INCLUDES]\nafter = jail.conf\n[a]\nk = 1' },
      '1 @ jail.local:4',
    ],
  ])('%s', (_what, files, expected) => {
    expect(told({ 'jail.conf': '', ...files }, 'a', 'k')).toBe(expected)
  })

  it('tells the reading order', () => {
    const files = {
      ...STOCK,
      'jail.local': '',
      'jail.d/z.local': '',
      'paths-here.local': '',
      'other.conf': '',
    }
    expect(view(files).paths).toEqual([
      'paths-here.conf',
      'paths-here.local',
      'jail.conf',
      'jail.d/defaults.conf',
      'jail.local',
      'jail.d/z.local',
    ])
  })

  it('tells the faults of what is read, and of nothing else', () => {
    const files = {
      ...STOCK,
      'jail.local': 'enabled = true\n',
      'jail.d/a.conf': '[a]\n# \xe9\n',
      'other.conf': 'x\n',
    }
    expect(view(files).faults.map(({ path, line, kind }) => `${path}:${line} ${kind}`)).toEqual([
      'jail.d/a.conf:2 not-utf8',
      'jail.local:1 no-section',
    ])
  })
})

describe('references', () => {
  it.each([
    ['another key', 'k = %(l)s!\nl = 1\n', '1!'],
    ['a default', 'k = %(d)s\n', 'D'],
    ['in any spelling', 'k = %(D)s\n', 'D'],
    ['through others', 'k = <%(l)s>\nl = [%(m)s]\nm = %(d)s\n', '<[D]>'],
    ['the jail’s name', 'k = %(__name__)s\n', 'a'],
    ['an escaped percent sign', 'k = 5%% %%(d)s\n', '5% %(d)s'],
    ['not <tags>', 'k = <known/chain> <ip>\n', '<known/chain> <ip>'],
    ['a key of another section', 'k = %(b/l)s\n', '2'],
    ['resolved in this one', 'k = %(b/m)s\nl = 1\n', '1'],
    ['a default for a key that the other lacks', 'k = %(b/d)s\n', 'D'],
    ['of the defaults', 'k = %(default/d)s\nd = 1\n', 'D'],
    ['what an earlier file said', 'k = %(known/k)s, more\n', 'K, more'],
    ['a default where no earlier file did', 'k = %(known/d)s\n', 'D'],
    ['a key that nobody sets', 'k = x %(nosuch)s %(d)s\n', '?x %(nosuch)s D'],
    ['a section that nobody defines', 'k = %(nosuch/d)s\n', '?%(nosuch/d)s'],
    ['a section in capitals, which fail2ban does not find', 'k = %(DEFAULT/d)s\n', '?%(DEFAULT/d)s'],
    ['a lone percent sign', 'k = 5% %(d)s\n', '?5% %(d)s'],
    ['itself', 'k = %(k)s\n', '?%(k)s'],
    ['in a circle', 'k = %(l)s%(l)s\nl = %(k)s%(k)s\n', '?%(l)s%(l)s'],
    [
      'what grows too much',
      `k = ${'%(l)s'.repeat(99)}\nl = ${'%(m)s'.repeat(99)}\nm = ${'%(n)s'.repeat(99)}\nn = %%\n`,
      /^\?/,
    ],
  ])('to %s', (_what, text, expected) => {
    const files = {
      'jail.conf': '[DEFAULT]\nd = D\n[a]\nk = K\n[b]\nl = 2\nm = %(l)s\n',
      'jail.local': `[a]\n${text}`,
    }
    const [value] = told(files, 'a', 'k')?.split(' @ ') ?? []
    if (typeof expected === 'string') expect(value).toBe(expected)
    else expect(value).toMatch(expected)
  })

  it('of the stock jails', () => {
    const found = (key: string) => effective(view(STOCK), 'sshd', key)?.value
    expect(found('filter')).toBe('sshd[mode=normal]')
    expect(found('logpath')).toBe('/var/log/auth.log')
    expect(found('action')).toBe('multiport[port="ssh", chain="<known/chain>"]')
  })
})

describe('enabledJails', () => {
  it.each([
    ['as shipped', {}, ['sshd']],
    ['ours', { 'jail.d/p.conf': '[portsentry]\nenabled = true\n' }, ['sshd', 'portsentry']],
    [
      'ours, undone later',
      { 'jail.d/p.conf': '[portsentry]\nenabled = true\n', 'jail.local': '[portsentry]\nenabled = no\n' },
      ['sshd'],
    ],
    [
      'every spelling of yes',
      { 'jail.local': '[a]\nenabled=YES\n[b]\nenabled=1\n[c]\nenabled=On\n[d]\nenabled=y\n' },
      ['sshd', 'a', 'b', 'c'],
    ],
    [
      'all by default',
      { 'jail.local': '[DEFAULT]\nenabled = true\n[sshd]\nenabled = false\n' },
      ['portsentry'],
    ],
    [
      'by reference',
      { 'jail.local': '[sshd]\nenabled = %(known/enabled)s\n[a]\nenabled = %(b)s\n' },
      ['sshd'],
    ],
  ])('%s', (_what, files, expected) => {
    expect(enabledJails(view({ ...STOCK, ...files }))).toEqual(expected)
  })
})

describe('laws', () => {
  const key = fc.constantFrom('k', 'l', 'known/k', 'default/l', 'a/k', 'before', 'x')
  const value = fc
    .array(
      fc.oneof(
        fc.constantFrom('x', '%%', '%', ' '),
        key.map((name) => `%(${name})s`),
      ),
      { maxLength: 5 },
    )
    .map((parts) => parts.join(''))
  const line = fc.oneof(
    fc.constantFrom('[a]', '[b]', '[DEFAULT]', '[INCLUDES]', 'before = i.conf', 'after = jail.d/a.conf'),
    fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`),
  )
  const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))
  const path = fc.constantFrom(
    'jail.conf',
    'jail.local',
    'jail.d/a.conf',
    'jail.d/a.local',
    'i.conf',
    'i.local',
  )

  it('ends, and names a file that was read and a line that is there', () => {
    fc.assert(
      fc.property(fc.dictionary(path, text, { noNullPrototype: true }), (files) => {
        const result = view(files)
        for (const [name, own] of result.sections) {
          for (const each of [...own.keys(), ...result.defaults.keys()]) {
            const found = effective(result, name, each)
            expect(result.paths).toContain(found?.path)
            const lines = files[found?.path ?? '']?.split('\n') ?? []
            expect(lines[(found?.line ?? 0) - 1]).toContain(each)
          }
        }
        for (const jail of enabledJails(result)) expect([...result.sections.keys()]).toContain(jail)
      }),
    )
  })
})

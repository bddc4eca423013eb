import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Change, editConfig } from '../../src/settings/config-edit.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'

const add = (...added: string[]): Change => ({ added })
const edited = (text: string, changes: Record<string, Change>): string =>
  editConfig(text, new Map(Object.entries(changes)), ['LAN_IP', 'LAN_NM', 'WHITELIST'])

const LAN = { LAN_IP: '10.1.1.1', LAN_NM: '255.0.0.0' }

describe('editConfig', () => {
  it.each<[what: string, text: string, changes: Record<string, Change>, expected: string]>([
    ['an empty file', '', LAN, 'LAN_IP=10.1.1.1\nLAN_NM=255.0.0.0\n'],
    ['a value in place', '# x\nLAN_IP=192.168.1.1 # mine\nA=1\n', { LAN_IP: '10.1.1.1' }, '# x\nLAN_IP=10.1.1.1 # mine\nA=1\n'],
    ['a quoted value', "export LAN_IP='192.168.1.1'\n", { LAN_IP: '10.1.1.1' }, 'export LAN_IP=10.1.1.1\n'],
    ['beside its own kind', 'LAN_IP=1.1.1.1\nOTHER=$(date)\n', { LAN_NM: '24' }, 'LAN_IP=1.1.1.1\nLAN_NM=24\nOTHER=$(date)\n'],
    ['at the end', 'OTHER=`x`', { WHITELIST: '1.2.3.4 fd00::/8' }, "OTHER=`x`\nWHITELIST='1.2.3.4 fd00::/8'\n"],
    ['without a variable', 'A=1\nLAN_IP=1.1.1.1 # x\nLAN_NM=24\nB=2', { LAN_IP: null, LAN_NM: null }, 'A=1\nB=2'],
    ['another variable than the last one', 'A=1\nLAN_IP=1.1.1.1', { LAN_IP: null, WHITELIST: '::5' }, 'A=1\nWHITELIST=::5\n'],
    ['another variable than the only one', 'LAN_IP=1.1.1.1', { LAN_IP: null, WHITELIST: '::5' }, 'WHITELIST=::5\n'],
    ['without one that is not there', 'A=1\n', { LAN_IP: null }, 'A=1\n'],
    ['a longer list, single quotes', "WHITELIST='1.2.3.4'\n", { WHITELIST: add('::5', '::6') }, "WHITELIST='1.2.3.4 ::5 ::6'\n"],
    ['a longer list, double quotes', 'ME=1.2.3.4\nWHITELIST="${ME}" # x\n', { WHITELIST: add('::5') }, 'ME=1.2.3.4\nWHITELIST="${ME} ::5" # x\n'],
    ['a longer list, no quotes', 'WHITELIST=1.2.3.4,${ME}\n', { WHITELIST: add('::5', '::6') }, 'WHITELIST=1.2.3.4,${ME},::5,::6\n'],
    ['an empty list', 'WHITELIST=\nUNTRUSTED=""\n', { WHITELIST: add('::5', '::6'), UNTRUSTED: add('::7') }, 'WHITELIST=\'::5 ::6\'\nUNTRUSTED="::7"\n'],
    ['a value that is not well-formed', 'LAN_IP= 1.1.1.1\nA=1\n', { LAN_IP: '10.1.1.1' }, 'LAN_IP=10.1.1.1\nA=1\n'],
    ['a value over several lines', 'A="\nLAN_IP=x\n"\nLAN_IP="1\n2"\nB=1\n', { LAN_IP: null }, 'A="\nLAN_IP=x\n"\nB=1\n'],
    ['bytes that are not ASCII', '# \xe4\xff\nLAN_IP=1.1.1.1\n', { LAN_IP: '10.1.1.1' }, '# \xe4\xff\nLAN_IP=10.1.1.1\n'],
  ])('%s', (_, text, changes, expected) => expect(edited(text, changes)).toBe(expected)) // biome-ignore format: a table

  it('leaves a file that portward and a shell read as asked, whatever else it has', () => {
    const lines = fc.constantFrom(
      ...[
        '# LAN_IP=1',
        'A=1',
        "B='it # is'",
        'export C="x y" # z',
        '',
        'WHITELIST=9.9.9.9',
        'LAN_IP=9.9.9.9',
        "UNTRUSTED='8.8.8.0/24 fd00::/8'",
      ],
    )
    const networks = ['10.7.0.0/16', 'fd00:7::/64', '198.51.100.7']
    const change = fc.constantFrom<Change>(null, networks[0] ?? '', networks.join(' '), add(...networks))
    const cases = fc.sample(
      fc.record({
        text: fc.uniqueArray(lines).map((all) => all.join('\n')),
        changes: fc.record({ WHITELIST: change, UNTRUSTED: change }),
      }),
      150,
    )
    const texts = cases.map(({ text, changes }) => edited(text, { ...LAN, ...changes }))
    const sourced = sourcedByShell(texts, ['LAN_IP', 'LAN_NM', 'WHITELIST', 'UNTRUSTED', 'A', 'B', 'C'])
    const before = sourcedByShell(
      cases.map(({ text }) => text),
      ['WHITELIST', 'UNTRUSTED', 'A', 'B', 'C'],
    )
    for (const [index, { changes }] of cases.entries()) {
      const [shell, old] = [sourced[index], before[index]]
      for (const name of ['A', 'B', 'C']) expect(shell?.get(name)).toBe(old?.get(name))
      expect(shell?.get('LAN_IP')).toBe(LAN.LAN_IP)
      for (const [name, wanted] of Object.entries(changes)) {
        const value = shell?.get(name)?.split(/[ ,]+/).filter(Boolean)
        if (wanted === null) expect(value).toBeUndefined()
        else if (typeof wanted === 'string') expect(value).toEqual(wanted.split(' '))
        else
          expect(value).toEqual([...(old?.get(name)?.split(/[ ,]+/).filter(Boolean) ?? []), ...wanted.added])
      }
      const { problems } = parseSettings(texts[index] ?? '', {}, 'config.env')
      // The lists may name one network twice.
      expect(
        problems.filter(({ severity, code }) => severity === 'error' && code !== 'untrusted-protected'),
      ).toEqual([])
    }
  })
})

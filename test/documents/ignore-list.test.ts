import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { ignored, parseIgnoreList, setIgnored } from '../../src/documents/ignore-list.ts'
import { BLOCK_BEGIN, BLOCK_END } from '../../src/documents/owned-block.ts'
import type { Dialect } from '../../src/documents/portsentry-conf.ts'
import { formatCidr, isIPv4, type Network, parseNetwork } from '../../src/network.ts'
import { runs } from '../fast-check.ts'
import { foreignLines } from './foreign-lines.ts'

const net = (text: string): Network => parseNetwork(text) as Network
const never = () => false
const DIALECTS: readonly Dialect[] = ['1.2', '2.x']
const block = (...lines: string[]) => [BLOCK_BEGIN, ...lines, BLOCK_END].map((line) => `${line}\n`).join('')

/** What one line gives: the network ignored, 'nobody', 'fault', or '' for a comment. */
const read = (text: string, dialect: Dialect): string => {
  const { entries, faults } = parseIgnoreList(text, dialect)
  if (faults.length > 0) return 'fault'
  return entries.map(({ network }) => (network === null ? 'nobody' : formatCidr(network))).join(' ')
}

describe('parseIgnoreList', () => {
  test.each<[string, string, string]>([
    ['10.0.0.1\n', '10.0.0.1/32', '10.0.0.1/32'],
    ['10.0.0.0/8\n', '10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.1/8\n', '10.0.0.0/8', 'nobody'],
    ['10.0.0.1/0\n', '10.0.0.1/32', '10.0.0.1/32'],
    ['10.0.0.1/33\n', 'fault', 'fault'],
    ['10.0.0.0/255.0.0.0\n', 'fault', 'fault'],
    ['10.0.0.0//8\n', 'fault', 'fault'],
    ['10.0.0.0/\n', 'fault', 'fault'],
    ['10.0.0.0/008\n', 'fault', '10.0.0.0/8'],
    ['010.0.0.1\n', '8.0.0.1/32', '8.0.0.1/32'],
    ['300.0.0.1\n', 'fault', 'fault'],
    ['127.1\n', 'fault', '127.0.0.1/32'],
    ['10.0.0.1 # text\n', '10.0.0.1/32', 'fault'],
    ['10.0.0.1#text\n', '10.0.0.1/32', 'fault'],
    ['10.0.0.1 text\n', 'fault', 'fault'],
    ['10.0.0.1 \n', '10.0.0.1/32', 'fault'],
    ['10.0.0.1\r\n', '10.0.0.1/32', 'fault'],
    [' 10.0.0.1\n', 'fault', 'fault'],
    ['10.0.0.1', '10.0.0.1/32', 'fault'],
    ['10.0.0.10', '10.0.0.10/32', '10.0.0.1/32'],
    ['10.0.0.0/16', '10.0.0.0/16', 'nobody'],
    ['fd00::/64\n', 'fault', 'fd00::/64'],
    ['fd00::1/64\n', 'fault', 'nobody'],
    ['FD00::/64\n', 'fault', 'fault'],
    ['::/0\n', 'fault', '::/0'],
    ['fd00::/129\n', 'fault', 'fault'],
    ['host.example\n', 'fault', 'fault'],
    ['# text\n', '', ''],
    [' # text\n', '', 'fault'],
    ['\n', '', ''],
    ['\r\n', '', 'fault'],
    ['10.0.0.1\0\n', 'fault', 'fault'],
    [`#${'x'.repeat(2000)}\n`, '', 'fault'],
    ['', '', ''],
  ])('%j: 1.2 reads %j, 2.x reads %j', (text, old, modern) =>
    expect([read(text, '1.2'), read(text, '2.x')]).toEqual([old, modern]),
  )

  it('knows where the entries are', () => {
    const { entries, faults } = parseIgnoreList('# x\n 10.0.0.1\n10.0.0.2 # y\n', '1.2')
    expect(entries.map(({ line, offset, end, raw }) => [line, offset, end, raw])).toEqual([
      [2, 4, 14, '10.0.0.1'],
      [3, 14, 27, '10.0.0.2 # y'],
    ])
    expect(faults.map(({ line }) => line)).toEqual([2])
  })
})

const hasPerl = spawnSync('perl', ['-v']).status === 0
if (!hasPerl)
  console.warn('SKIPPED: perl is missing, the expression of portsentry-build-ignore-file is not asked')

describe.skipIf(!hasPerl)('Debian’s builder (perl)', () => {
  it('lets the same lines through', () => {
    const piece = fc.constantFrom(
      '10.0.0.1',
      '/8',
      '/',
      '.',
      ' ',
      '\t',
      '#',
      'x',
      '\r',
      '\f',
      '\v',
      '\xa0',
      '\x85',
      '\0',
      '1',
      '255',
      '-',
    )
    const line = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''))
    const lines = [...fc.sample(line, runs(3000)), '10.0.0.1']
    const text = lines.join('\n')
    const script =
      'while (<STDIN>) { print "$.\\n" if /^\\s*\\d{1,3}(\\.\\d{1,3}){3}(\\/\\d{1,2})?\\s*(#|$)/ }'
    const passed = spawnSync('perl', ['-e', script], {
      input: Buffer.from(text, 'latin1'),
      encoding: 'latin1',
    })
    const { entries, faults } = parseIgnoreList(text, '1.2')
    const leftOut = new Set(
      faults.filter(({ message }) => message.endsWith('left out')).map((fault) => fault.line),
    )
    const ours = entries.filter((entry) => !leftOut.has(entry.line)).map((entry) => entry.line)
    expect(ours.join('\n')).toBe(passed.stdout.trim())
    expect(ours.length).toBeGreaterThan(50)
  })
})

describe('setIgnored', () => {
  const lan = block('192.168.1.0/24')
  const LAN = ['192.168.1.0/24']
  // The last column is 2.x, where it differs.
  test.each<[string, string, string[], string, string?]>([
    ['an empty file', '', LAN, lan],
    ['nothing wanted', '# x\n', [], '# x\n'],
    ['stock entries', '127.0.0.1/32\n0.0.0.0\n', LAN, `127.0.0.1/32\n0.0.0.0\n${lan}`],
    ['host bits are taken off', '', ['192.168.1.10/24'], lan],
    ['hosts', '', ['10.0.0.1', '192.168.1.0/24'], block('10.0.0.1/32', '192.168.1.0/24')],
    ['IPv6', '# x\n', ['fd00::/64', '2001:db8::1'], '# x\n', `# x\n${block('fd00::/64', '2001:db8::1/128')}`],
    ['already ignored', '192.168.0.0/16\n', LAN, '192.168.0.0/16\n'],
    ['ignored once it has its newline', '192.168.0.0/16', LAN, '192.168.0.0/16\n'],
    ['nothing wanted, no final newline', '# x', [], '# x\n'],
    ['no final newline', '10.0.0.1', LAN, `10.0.0.1\n${lan}`],
    ['CRLF', '10.0.0.1\r\n', LAN, `10.0.0.1\r\n${lan.replaceAll('\n', '\r\n')}`, `10.0.0.1\r\n${lan}`],
    ['host bits, which 2.x would not match', '192.168.1.10/24\n', LAN, lan],
    ['host bits of another network', '10.0.0.1/8\n', LAN, `10.0.0.1/8\n${lan}`],
    [
      'what the article left, twice',
      '# x\n192.168.1.10/255.255.255.0\n192.168.1.10/255.255.255.0\n# y\n',
      LAN,
      `# x\n# y\n${lan}`,
    ],
    ['what it left with LAN_NM=/24', '192.168.1.10//24\n', LAN, lan],
    ['what it left, unfinished', '# x\n192.168.1.10/255.255.255.0', LAN, `# x\n${lan}`],
    ['what it left, nothing before it', '192.168.1.10/255.255.255.0', LAN, lan],
    ['other useless lines', '10.0.0.0/255.0.0.0\nfoo\n', LAN, `10.0.0.0/255.0.0.0\nfoo\n${lan}`],
    ['a block that is right', `# a\n${lan}# b\n`, LAN, `# a\n${lan}# b\n`],
    ['a right block, no final newline', `# a\n${lan.slice(0, -1)}`, LAN, `# a\n${lan}`],
    [
      'one goes, one comes',
      `${block('10.0.0.1/32', '192.168.1.0/24')}#\n`,
      [...LAN, '10.0.0.2'],
      `${block('192.168.1.0/24', '10.0.0.2/32')}#\n`,
    ],
    ['an emptied block goes', `# a\n${lan}# b\n`, [], '# a\n# b\n'],
    ['an emptied block goes, unfinished', `# a\n${lan.slice(0, -1)}`, [], '# a\n'],
  ])('%s', (_, before, networks, old, modern = old) => {
    const wanted = networks.map(net)
    for (const [dialect, after] of [
      ['1.2', old],
      ['2.x', modern],
    ] as const) {
      expect(applyEdits(before, setIgnored(parseIgnoreList(before, dialect), wanted, never))).toBe(after)
      expect(setIgnored(parseIgnoreList(after, dialect), wanted, never)).toEqual([])
    }
  })

  it('deletes entries that the caller knows to be dead', () => {
    const list = parseIgnoreList('/\n10.0.0.1\n /\n', '1.2')
    expect(
      applyEdits(
        list.text,
        setIgnored(list, [], (raw) => raw === '/'),
      ),
    ).toBe('10.0.0.1\n')
  })
})

describe('laws', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const piece = fc.constantFrom(
    '10.0.0.1',
    '/8',
    '/255.0.0.0',
    '\n',
    '\n',
    '\r\n',
    ' ',
    '#',
    'fd00::',
    '/64',
    '\0',
    `${BLOCK_BEGIN}\n`,
    `${BLOCK_END}\n`,
    '192.168.1.0/24\n',
  )
  const text = fc.oneof(
    fc.array(byte, { maxLength: 60 }).map((bytes) => bytes.join('')),
    fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
  )
  const network = fc.oneof(
    fc.record({
      bytes: fc.array(fc.constantFrom(10, 0, 192, 168, 1), { minLength: 4, maxLength: 4 }),
      prefix: fc.integer({ min: 1, max: 32 }),
    }),
    fc.record({
      bytes: fc.array(fc.constantFrom(0xfd, 0, 0, 1), { minLength: 16, maxLength: 16 }),
      prefix: fc.integer({ min: 0, max: 128 }),
    }),
  )

  test.each(DIALECTS)(
    '%s: set is ignored, a second time changes nothing, foreign lines survive',
    (dialect) => {
      fc.assert(
        fc.property(text, fc.array(network, { maxLength: 5 }), (before, wanted) => {
          const after = applyEdits(before, setIgnored(parseIgnoreList(before, dialect), wanted, never))
          const list = parseIgnoreList(after, dialect)
          for (const one of wanted) {
            if (dialect === '2.x' || isIPv4(one))
              expect([formatCidr(one), ignored(list, one)]).toEqual([formatCidr(one), true])
          }
          expect(setIgnored(list, wanted, never)).toEqual([])
          expect(after === '' || after.endsWith('\n')).toBe(true)
          const kept = foreignLines(after)
          const given = foreignLines(before)
          if (!/[\d:]\/\d/.test(given.join())) expect(kept).toEqual(given)
          else for (const line of kept) expect(given).toContain(line)
        }),
        { numRuns: runs(2000) },
      )
    },
  )

  test.each(DIALECTS)('%s: takes back all it has set', (dialect) => {
    fc.assert(
      fc.property(text, fc.array(network, { maxLength: 5 }), (before, wanted) => {
        fc.pre(!/# portward|[\d:]\/\d/.test(before))
        const after = applyEdits(before, setIgnored(parseIgnoreList(before, dialect), wanted, never))
        const back = applyEdits(after, setIgnored(parseIgnoreList(after, dialect), [], never))
        expect([before, `${before}\n`, `${before}\r\n`]).toContain(back)
      }),
    )
  })
})

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it, test } from 'vitest'
import { clientCovers } from '../../src/documents/client-patterns.ts'
import { applyEdits } from '../../src/documents/edit.ts'
import { decides, parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { removeDenied, setAllowed, setDenyFile } from '../../src/documents/hosts-access-edit.ts'
import { BLOCK_BEGIN, BLOCK_END, findOwnedMarks } from '../../src/documents/owned-block.ts'
import { contains, formatAddress, type Network, parseNetwork } from '../../src/network.ts'
import { runs } from '../fast-check.ts'
import { batchOf } from '../fuzz/arbitraries.ts'
import { foreignLines } from './foreign-lines.ts'

const net = (text: string): Network => parseNetwork(text) as Network
const LAN = net('192.168.1.0/24')
const never = () => false
const block = (...lines: string[]) => [BLOCK_BEGIN, ...lines, BLOCK_END].map((line) => `${line}\n`).join('')
const LAN_LINE = 'ALL: 192.168.1.0/255.255.255.0'

describe('parseHostsAccess', () => {
  const rules = (text: string) =>
    parseHostsAccess(text).rules.map(({ line, daemons, clients, options }) =>
      [line, daemons.join(' '), clients.join(' '), ...options].join(' | '),
    )
  test.each<[string, string, string[]]>([
    ['plain', 'ALL: ALL\n', ['1 | ALL | ALL']],
    ['lists', 'sshd,vsftpd : 10. , LOCAL EXCEPT\t10.1.\n', ['1 | sshd vsftpd | 10. LOCAL EXCEPT 10.1.']],
    ['options', 'ALL: ALL: spawn echo a\\:b : DENY\n', ['1 | ALL | ALL | spawn echo a:b | DENY']],
    ['an empty option', 'ALL: ALL:\n', ['1 | ALL | ALL | ']],
    ['brackets', 'ALL: [fd00::]/64: allow\n', ['1 | ALL | [fd00::]/64 | allow']],
    ['bare IPv6 falls apart', 'ALL: fd00::1\n', ['1 | ALL | fd00 |  | 1']],
    ['continued', 'ALL: \\\n 10.\nALL: 11.\n', ['1 | ALL | 10.', '3 | ALL | 11.']],
    ['a comment continues', '# x \\\nALL: 10.\nALL: 11.\n', ['3 | ALL | 11.']],
    ['a # is a comment in the first column only', ' # x\n#y: z\n', []],
    ['CRLF', 'ALL: 10.\r\n\r\nALL: 11.\r\n', ['1 | ALL | 10.', '3 | ALL | 11.']],
    ['\\ CRLF does not continue', 'ALL: 10. \\\r\nALL: 11.\r\n', ['1 | ALL | 10. \\', '2 | ALL | 11.']],
    ['unbalanced bracket hides the colon', 'ALL[: ALL\n', []],
    ['a NUL hides the newline', 'ALL\0x\n: 10.\n', ['1 | ALL | 10.']],
    ['empty', '', []],
  ])('%s', (_, text, expected) => expect(rules(text)).toEqual(expected))

  const long = 'x'.repeat(2047)
  test.each<[string, string, string[], number]>([
    ['fine', '# ok\nALL: ALL\n', [], 14],
    ['missing colon', 'ALL ALL\nALL: ALL\n', ['1 missing-colon'], 17],
    ['no newline', '#\nALL: ALL', ['2 unfinished-line'], 2],
    ['backslash at the end', '#\n# x\\\n', ['2 unfinished-line'], 2],
    ['too long', `#\n#${long}\nALL: ALL\n`, ['2 line-too-long'], 2],
    ['just too long', `${long}\n`, ['1 line-too-long'], 0],
    ['just fits', `#${long.slice(2)}\n`, [], 2047],
    ['too long by continuation', `#${long.slice(100)}\\\n${long.slice(1900)}\n`, ['1 line-too-long'], 0],
  ])('faults: %s', (_, text, expected, readUpTo) => {
    const doc = parseHostsAccess(text)
    expect(doc.faults.map(({ line, kind }) => `${line} ${kind}`)).toEqual(expected)
    expect(doc.readUpTo).toBe(readUpTo)
  })
})

describe('clientCovers', () => {
  test.each<[string, string, boolean]>([
    ['ALL', '192.168.1.0/24', true],
    ['all', 'fd00::/64', true],
    ['192.168.1.', '192.168.1.0/24', true],
    ['192.168.1.', '192.168.0.0/16', false],
    ['192.168.', '192.168.1.10', true],
    ['19', '192.168.1.10', false],
    ['192.168.1.0/255.255.255.0', '192.168.1.0/24', true],
    ['192.168.1.0/24', '192.168.1.0/24', true],
    ['192.168.1.0/24x', '192.168.1.0/24', true],
    ['192.168.1.0/25', '192.168.1.0/24', false],
    ['192.168.0.0/255.255.0.0', '192.168.1.0/24', true],
    ['192.0.1.0/255.0.255.0', '192.168.1.0/24', true],
    ['0300.0250.0x1.0/24', '192.168.1.0/24', true],
    ['192.168.1.10/24', '192.168.1.0/24', false],
    ['192.168.1.10/255.255.255.0', '192.168.1.10', false],
    ['192.168.1.10/255.255.255.255', '192.168.1.10', false],
    ['192.168.1.10/32', '192.168.1.10', true],
    ['192.168.1/24', '192.168.1.0/24', false],
    ['0.0.0.0/0', '192.168.1.0/24', false],
    ['0.0.0.0/0.0.0.0', '192.168.1.0/24', true],
    ['0.0.0.0/0.0.0.0', 'fd00::/64', false],
    ['[fd00::]/64', 'fd00::/64', true],
    ['[FD00::1]/64', 'fd00::/64', true],
    ['[fd00::]/65', 'fd00::/64', false],
    ['[fd00::]/junk', '2001:db8::/32', true],
    ['[::]/0', '10.0.0.1', false],
    ['[fd00::1]', 'fd00::1', true],
    ['[fd00:0:0::1]', 'fd00::1', true],
    ['fd00::1/64', 'fd00::/64', false],
    ['192.168.1.1', '::ffff:192.168.1.1', true],
    ['[::ffff:192.168.1.1]', '::ffff:192.168.1.1', false],
    ['192.168.1.10', '192.168.1.10', true],
    ['192.168.1.010', '192.168.1.10', false],
    ['192.168.1.*', '192.168.1.0/24', true],
    ['192.168.*', '192.168.1.0/24', true],
    ['192.168.1*', '192.168.1.0/24', true],
    ['192.168.10*', '192.168.1.0/24', false],
    ['192.168.*.*', '192.168.0.0/16', true],
    ['192.168.1.?', '192.168.1.0/24', false],
    ['192.168.1.?', '192.168.1.8/31', true],
    ['192.168.1.?', '192.168.1.8/30', false],
    ['192.168.1.1**', '192.168.1.1', false],
    ['192.168.1.1**', '192.168.1.10', true],
    ['fd00::*', 'fd00::1', true],
    ['*', 'fd00::/64', true],
    ['.10', '192.168.1.10', true],
    ['.10', '192.168.1.10/31', false],
    ['ALL@192.168.1.', '192.168.1.0/24', true],
    ['root@192.168.1.', '192.168.1.0/24', false],
    ['LOCAL', '192.168.1.10', false],
    ['KNOWN', '192.168.1.10', false],
    ['@lan', '192.168.1.10', false],
    ['/etc/lan', '192.168.1.10', false],
    ['', '192.168.1.10', false],
  ])('%s covers %s: %s', (pattern, network, expected) =>
    expect(clientCovers(pattern, net(network))).toBe(expected),
  )

  it('covers a network exactly when it covers each of its addresses', () => {
    const octet = fc.constantFrom('1', '2', '16', '10', '*', '?', '1*', '0', '17')
    const pattern = fc.oneof(
      fc.tuple(octet, octet).map(([a, b]) => `10.0.${a}.${b}`),
      octet.map((a) => `10.0.${a}.`),
      fc
        .tuple(octet, octet, fc.constantFrom('24', '28', '30', '31', '255.255.255.240', '255.255.0.254'))
        .map(([a, b, mask]) => `10.0.${a}.${b}/${mask}`),
    )
    const network = fc
      .tuple(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 24, max: 32 }),
      )
      .map(([a, b, prefix]) => ({ bytes: [10, 0, a, b], prefix }))
    const hosts = ({ bytes, prefix }: Network) =>
      Array.from({ length: 256 }, (_, last) => ({ bytes: [...bytes.slice(0, 3), last], prefix: 32 })).filter(
        (host) => contains({ bytes, prefix }, host),
      )
    fc.assert(
      fc.property(pattern, network, (text, outer) => {
        expect(clientCovers(text, outer)).toBe(hosts(outer).every((host) => clientCovers(text, host)))
      }),
      { numRuns: runs(500) },
    )
  })
})

describe('decides', () => {
  test.each<[string, string, string]>([
    ['', '192.168.1.0/24', 'none'],
    ['ALL: 192.168.1.\n', '192.168.1.0/24', 'allow'],
    ['ALL: 192.168.1.', '192.168.1.0/24', 'none'],
    ['* : 192.168.1.\n', '192.168.1.0/24', 'allow'],
    ['sshd: ALL\n', '192.168.1.0/24', 'none'],
    ['ALL@10.0.0.1: ALL\n', '192.168.1.0/24', 'none'],
    ['ALL EXCEPT sshd: ALL\n', '192.168.1.0/24', 'none'],
    ['ALL: ALL: DENY\nALL: 192.168.1.\n', '192.168.1.0/24', 'deny'],
    ['ALL: 192.168.1.\nALL: ALL: DENY\n', '192.168.1.0/24', 'allow'],
    ['ALL: 192.168.1.55: DENY\nALL: 192.168.1.\n', '192.168.1.0/24', 'allow'],
    ['ALL: 192.168.1.55: DENY\nALL: 192.168.1.\n', '192.168.1.55', 'deny'],
    ['ALL: ALL EXCEPT 192.168.1.10\n', '192.168.1.0/24', 'none'],
    ['ALL: ALL EXCEPT 192.168.2.\n', '192.168.1.0/24', 'allow'],
    ['ALL: ALL EXCEPT bad.example\n', '192.168.1.0/24', 'none'],
    ['ALL: ALL EXCEPT 192.168. EXCEPT 192.168.1.\n', '192.168.1.0/24', 'allow'],
    ['ALL: ALL EXCEPT 192.168.1.: DENY\n', '192.168.1.0/24', 'none'],
    ['ALL: ALL EXCEPT 192.168.1.10: DENY\n', '192.168.1.0/24', 'deny'],
    ['ALL: ALL: allow\n', '192.168.1.0/24', 'allow'],
    ['ALL: ALL: allow: spawn x\n', '192.168.1.0/24', 'deny'],
    ['ALL: ALL: twist /bin/echo no\n', '192.168.1.0/24', 'deny'],
    ['ALL: ALL: severity auth.info\n', '192.168.1.0/24', 'allow'],
    ['ALL: ALL: no-such-option\n', '192.168.1.0/24', 'deny'],
  ])('%j says to %s: %s', (text, network, expected) =>
    expect(decides(parseHostsAccess(text), net(network))).toBe(expected),
  )

  it('takes an unfinished hosts.deny for what it is: a refusal of everybody', () => {
    expect(decides(parseHostsAccess('# nothing'), LAN, 'deny')).toBe('deny')
    expect(decides(parseHostsAccess('# nothing\n'), LAN, 'deny')).toBe('none')
    expect(decides(parseHostsAccess('ALL: ALL\n'), LAN, 'deny')).toBe('deny')
  })
})

/** Every verdict of tcpdmatch, in one shell: for each pair of files, one word for each client. */
const directory = mkdtempSync(join(tmpdir(), 'hosts-access-'))
afterAll(() => rmSync(directory, { recursive: true }))
const hasTcpdmatch = spawnSync('sh', ['-c', 'command -v tcpdmatch']).status === 0
if (!hasTcpdmatch)
  console.warn('SKIPPED: tcpdmatch is missing (Debian package tcpd), libwrap itself is not asked')

const askLibwrap = (
  pairs: readonly { allow: string; deny: string }[],
  clients: readonly string[],
  daemon = 'anydaemon',
): string[][] => {
  for (const [index, { allow, deny }] of pairs.entries()) {
    const place = join(directory, String(index))
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'hosts.allow'), allow, 'latin1')
    writeFileSync(join(place, 'hosts.deny'), deny, 'latin1')
  }
  const ask = clients.map((client) => `tcpdmatch -d ${daemon} ${client}; echo`).join('; ')
  const script = `i=0; while [ $i -lt ${pairs.length} ]; do cd $i; ${ask}; cd ..; i=$((i+1)); done 2>/dev/null`
  const { stdout } = spawnSync('sh', ['-c', script], {
    cwd: directory,
    encoding: 'latin1',
    maxBuffer: 2 ** 26,
  })
  const verdicts = stdout.split('\n\n').map((said) => /^access: +(\w+)/m.exec(said)?.[1] ?? said)
  return pairs.map((_, index) => verdicts.slice(index * clients.length, (index + 1) * clients.length))
}

const CLIENTS = [
  '192.168.1.10',
  '192.168.1.55',
  '192.168.2.1',
  '10.0.0.1',
  '203.0.113.9',
  'fd00::7',
  'fe80::1',
]

/** As hosts.allow before an empty and before a closed hosts.deny, and as hosts.deny: all three verdicts. */
const checkAgainstLibwrap = (
  files: readonly string[],
  isExact = (_: string) => true,
  daemon: string | null = null,
) => {
  const closed = 'ALL: ALL\n'
  const pairs = files.flatMap((file) => [
    { allow: file, deny: '' },
    { allow: file, deny: closed },
    { allow: '', deny: file },
  ])
  const verdicts = askLibwrap(pairs, CLIENTS, daemon ?? undefined)
  for (const [index, file] of files.entries()) {
    const doc = parseHostsAccess(file)
    const said = [0, 1, 2].map((run) => verdicts[index * 3 + run]?.map((word) => word === 'granted'))
    const ours = (['none', 'allow', 'deny'] as const).map((run) =>
      CLIENTS.map((client) => {
        if (run === 'none') return decides(doc, net(client), 'allow', daemon) !== 'deny'
        return run === 'allow'
          ? decides(doc, net(client), 'allow', daemon) === 'allow'
          : decides(doc, net(client), 'deny', daemon) !== 'deny'
      }),
    )
    const granted = isExact(file) ? said : said.map((row, run) => row?.map((it, at) => it && ours[run]?.[at]))
    expect(`${JSON.stringify(file)} ${ours}`).toBe(`${JSON.stringify(file)} ${granted}`)
  }
}

describe.skipIf(!hasTcpdmatch)('libwrap itself (tcpdmatch)', () => {
  const patterns = [
    'ALL', '192.168.1.', '192.168.', '192.', '192', '.10', '.0.113.9', '192.168.1.0/24', '192.168.1.10/24',
    '192.168.1.0/255.255.255.0', '192.168.1.10/255.255.255.0', '192.168.1.10/255.255.255.255', '192.168.1.10/32',
    '0.0.0.0/0', '0.0.0.0/0.0.0.0', '192.0.1.0/255.0.255.0', '0300.0250.1.0/24', '192.168.1/24', '192.168.1.0/24x',
    '192.168.1.0//24', '192.168.1.0/+24', '192.168.1.0/024', '192.168.1.0/', '192.168.1.010', '192.168.1.1?',
    '192.168.1.1??', '192.168.*', '*.10', '*', '**', '192.168.1.10**', '192.168.1.1**', '[fd00::]/64', '[fd00::7]/64',
    '[FD00::7]', '[fd00:0::7]', '[fd00::]/0', '[fd00::]/x', '[fd00::]/129', '[fd00::]/-1', '[::ffff:10.0.0.1]',
    '[10.0.0.1]', 'fd00::7', 'fd00*',  'ALL@10.', 'root@10.', '*@10.', 'a@b@10.', '@10.', '/10.0.0.1',
    'KNOWN', 'LOCAL', '10.0.0.1,203.0.113.9', 'ALL EXCEPT 192.168.1.', 'ALL EXCEPT 192.168. EXCEPT 192.168.1.55',
    'EXCEPT 10.', '10. EXCEPT', 'ALL except 10.0.0.1', '[10.', '10.]',
  ] // biome-ignore format: a table

  const files = [
    '', '# x', 'ALL: 10.', 'ALL: 10.\n# x', '# x\\\n', '\\\n', '\\\nALL: 10.\n', 'ALL: \\\n10.\nALL: fd00\n',
    '# x \\\nALL: 10.\nALL: 203.0.113.9\n', ' # x: y\nALL: 10.\n', 'ALL 10.\nALL: 203.\n', 'ALL: 10.\r\nALL: 203.\r\n',
    'ALL: 10. \\\r\nALL: 203.\r\n', ': 10.\n', 'ALL:\nALL: 10.\n', 'sshd: ALL\nALL: 10.\n', '1,ALL: 10.\n',
    'ALL: 10.: DENY\nALL: ALL\n', 'ALL: 10.: deny\nALL: ALL: allow\n', 'ALL: 10.:\n', 'ALL: 10.: :allow\n',
    'ALL: ALL: allow: deny\n', 'ALL: ALL: allow x\n', 'ALL: ALL: allow=\n', 'ALL: ALL: = allow\n', 'ALL: ALL: bogus\n',
    'ALL: ALL: spawn true\n', 'ALL: ALL: spawn true : deny\n', 'ALL: ALL: spawn\n', 'ALL: ALL: twist true\n',
    'ALL: ALL: severity auth.info\n', 'ALL: ALL: severity loud\n', 'ALL: ALL: umask 022\n', 'ALL: ALL: umask 1777\n',
    'ALL: ALL: nice\n', 'ALL: ALL: nice 5\n', 'ALL: ALL: nice x\n', 'ALL: ALL: keepalive\n', 'ALL: ALL: keepalive 1\n',
    'ALL: ALL: setenv A\\:B c\n', 'ALL: ALL: spawn=true\n', 'ALL: ALL: spawn = true\n', 'ALL: ALL\\: deny\n',
    `#${'x'.repeat(2045)}\nALL: 10.\n`, `#${'x'.repeat(2046)}\nALL: 10.\n`, `ALL: 10.\n#${'x'.repeat(5000)}\n`,
    `ALL: 10. \\\n${'11.,'.repeat(600)}\nALL: ALL\n`, 'ALL\0junk\n: 10.\n', 'ALL: 10.\0\nALL: 203.\n', 'ALL: 10.\0\n',
    'ALL: 10.\nALL: 10.: DENY\n', 'ALL\t:\t10.\n', 'ALL:10.\n', '[ALL: 10.\n', 'ALL]: 10.\n', '*: 10.\n', 'all: 10.\n',
  ] // biome-ignore format: a table

  it('agrees on every client pattern', { timeout: 60_000 }, () =>
    checkAgainstLibwrap(patterns.map((pattern) => `ALL: ${pattern}\n`)),
  )
  it('agrees on every odd file', { timeout: 60_000 }, () => checkAgainstLibwrap(files))

  const daemonLists = [
    'sshd', 'SSHD', 'ALL', 'KNOWN', 'ss*', '*d', 's?hd', '?shd', '*', '**', 'sshd**', '.hd', 'hd', 'sshd.', '.sshd', 'ALL EXCEPT sshd',
    'ALL EXCEPT vsftpd', 'ALL EXCEPT ALL EXCEPT sshd', 'vsftpd', 'vsftpd sshd', 'vsftpd, ALL', 'sshd EXCEPT ss*', 'in.sshd', 'EXCEPT sshd',
    'ALL EXCEPT', 'LOCAL', '/sshd', '[sshd]',
  ] // biome-ignore format: a table
  it('agrees on every daemon pattern', { timeout: 60_000 }, () => {
    checkAgainstLibwrap(
      daemonLists.map((list) => `${list}: 10. 192.168.1.\n`),
      undefined,
      'sshd',
    )
  })
  it('never grants more to one of the addresses of the server than libwrap does', { timeout: 60_000 }, () => {
    const lists = ['sshd@192.0.2.1', 'ALL@ALL', 'ALL EXCEPT sshd@192.0.2.1', 'ss*@192.0.2.']
    checkAgainstLibwrap(
      lists.map((list) => `${list}: 10. 192.168.1.\n`),
      () => false,
      'sshd',
    )
  })

  it('agrees on generated files', () => {
    const rule = fc
      .tuple(
        fc.constantFrom('ALL', 'all,vsftpd', 'sshd', '*', ...daemonLists),
        fc.constantFrom(':', ' : ', ':\t', ':\\\n', ' '),
        fc.array(fc.constantFrom(...patterns, 'EXCEPT'), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '', ': DENY', ': allow', ':', ': nice: deny', ': x\\:y'),
        fc.constantFrom('\n', '\n', '\r\n', ' \\\n', '\n# c\n', ''),
      )
      .map(([daemon, colon, clients, option, eol]) => daemon + colon + clients.join(', ') + option + eol)
    const file = fc.array(rule, { maxLength: 5 }).map((rules) => rules.join(''))
    // Where an exception could match by a name, we take it to: never more is granted than libwrap grants.
    const isExact = (text: string) =>
      parseHostsAccess(text).rules.every(({ clients }) => !/except/i.test(clients.join()))
    fc.assert(
      fc.property(batchOf(file, 40), (batch) => checkAgainstLibwrap(batch, isExact, 'sshd')),
      { numRuns: runs(2) },
    )
  })

  it('grants what setAllowed has set, to the first and the last address of each network', {
    timeout: 60_000,
  }, () => {
    const networks = ['192.168.1.0/24', '10.0.0.1', 'fd00::/64', '2001:db8::5'].map(net)
    const closed = [
      'sshd: ALL: DENY\n',
      'sshd: ALL EXCEPT 198.51.100. : DENY\n',
      'ALL EXCEPT vsftpd: ALL: DENY\n',
    ]
    const pairs = [...files, ...closed].map((file) => ({
      allow: applyEdits(file, setAllowed(parseHostsAccess(file), networks, ['sshd'], never)),
      deny: 'ALL: ALL\n',
    }))
    const clients = [
      '192.168.1.0',
      '192.168.1.255',
      '10.0.0.1',
      'fd00::',
      'fd00::ffff:ffff:ffff:ffff',
      '2001:db8::5',
    ]
    for (const [index, words] of askLibwrap(pairs, clients, 'sshd').entries()) {
      expect({ pair: pairs[index], words }).toEqual({
        pair: pairs[index],
        words: clients.map(() => 'granted'),
      })
    }
  })
})

describe('setAllowed', () => {
  const set = (text: string, networks: readonly Network[], dead: (client: string) => boolean = never) =>
    applyEdits(text, setAllowed(parseHostsAccess(text), networks, [], dead))
  const ours = block(LAN_LINE)

  test.each<[string, string, string[], string]>([
    ['an empty file', '', ['192.168.1.0/24'], ours],
    ['nothing wanted', '# stock\n', [], '# stock\n'],
    ['comments only', '# stock\n#\n\n', ['192.168.1.0/24'], `# stock\n#\n\n${ours}`],
    ['host bits are taken off', '', ['192.168.1.10/24'], ours],
    [
      'hosts and IPv6',
      '',
      ['10.0.0.1', 'fd00::/64', '2001:db8::1'],
      block('ALL: 10.0.0.1', 'ALL: [fd00::]/64', 'ALL: [2001:db8::1]'),
    ],
    ['a mapped address', '', ['::ffff:10.0.0.1'], block('ALL: 10.0.0.1')],
    ['the same twice, one within the other', '', ['192.168.1.7', '192.168.1.0/24', '192.168.1.9/24'], ours],
    ['already granted', 'ALL: 192.168.1.\n', ['192.168.1.0/24'], 'ALL: 192.168.1.\n'],
    ['granted to one daemon', 'sshd: 192.168.1.\n', ['192.168.1.0/24'], `sshd: 192.168.1.\n${ours}`],
    ['no final newline', '# x', ['192.168.1.0/24'], `# x\n${ours}`],
    ['CRLF', '# x\r\n', ['192.168.1.0/24'], `# x\r\n${ours.replaceAll('\n', '\r\n')}`],
    [
      'CRLF, no final newline',
      '#\r\n# x',
      ['192.168.1.0/24'],
      `#\r\n# x\r\n${ours.replaceAll('\n', '\r\n')}`,
    ],
    ['a comment that would swallow', '#\n# x\\\n', ['192.168.1.0/24'], `#\n${ours}# x\\\n`],
    ['a rule that would swallow', 'a: b\nc: d \\', ['192.168.1.0/24'], `a: b\n${ours}c: d \\`],
    ['a NUL that would swallow', '#\n# x\0', ['192.168.1.0/24'], `#\n${ours}# x\0`],
    [
      'a line too long',
      `#\n#${'x'.repeat(3000)}\n#\n`,
      ['192.168.1.0/24'],
      `#\n${ours}#${'x'.repeat(3000)}\n#\n`,
    ],
    [
      'before a refusal of all',
      '#\nALL: ALL: DENY\n#\n',
      ['192.168.1.0/24'],
      `#\n${ours}ALL: ALL: DENY\n#\n`,
    ],
    ['before an unfinished refusal', '#\nALL: ALL: DENY', ['192.168.1.0/24'], `#\n${ours}ALL: ALL: DENY`],
    [
      'before a wider refusal',
      'ALL: 192.168.: DENY\n',
      ['10.0.0.1', '192.168.1.0/24'],
      `${block('ALL: 10.0.0.1', LAN_LINE)}ALL: 192.168.: DENY\n`,
    ],
    [
      'after narrower refusals',
      'ALL: 192.168.1.55: DENY\nsshd: ALL: DENY\n',
      ['192.168.1.0/24'],
      `ALL: 192.168.1.55: DENY\nsshd: ALL: DENY\n${ours}`,
    ],
    [
      'a refusal of a wanted host within a granted network',
      'ALL: 192.168.1.55: DENY\nALL: 192.168.1.\n',
      ['192.168.1.0/24', '192.168.1.55'],
      `${block('ALL: 192.168.1.55')}ALL: 192.168.1.55: DENY\nALL: 192.168.1.\n`,
    ],
    ['a block that is right', `# a\n${ours}# b\n`, ['192.168.1.0/24'], `# a\n${ours}# b\n`],
    ['a block, also granted outside', `ALL: ALL\n${ours}`, ['192.168.1.0/24'], `ALL: ALL\n${ours}`],
    [
      'one network goes, one comes',
      `${block('ALL: 10.0.0.1', LAN_LINE)}# b\n`,
      ['192.168.1.0/24', '10.0.0.2'],
      `${block(LAN_LINE, 'ALL: 10.0.0.2')}# b\n`,
    ],
    ['an emptied block goes', `# a\n${ours}# b\n`, [], '# a\n# b\n'],
    [
      'a block that comes too late moves',
      `ALL: ALL: DENY\n${ours}#\n`,
      ['192.168.1.0/24'],
      `${ours}ALL: ALL: DENY\n#\n`,
    ],
    ['a second block goes', `${ours}# x\n${block('ALL: 9.9.9.9')}`, ['192.168.1.0/24'], `${ours}# x\n`],
    ['foreign lines in the block go', block('# hi', LAN_LINE, LAN_LINE, ''), ['192.168.1.0/24'], ours],
    [
      'half a block is not ours',
      `${BLOCK_BEGIN}\nALL: 10.0.0.1\n`,
      ['192.168.1.0/24'],
      `ALL: 10.0.0.1\n${ours}`,
    ],
    [
      'what the article left, twice',
      '# x\nALL: 192.168.1.10/255.255.255.0\nALL: 192.168.1.10/255.255.255.0\n# y\n',
      ['192.168.1.0/24'],
      `# x\n# y\n${ours}`,
    ],
    ['what the article left, unfinished', '# x\nALL: 192.168.1.10/24', ['192.168.1.0/24'], `# x\n${ours}`],
    ['what it left of a host', 'ALL: 10.0.0.1/255.255.255.255\n', ['10.0.0.1'], block('ALL: 10.0.0.1')],
    [
      'useless, but not one of the networks',
      'ALL: 192.168.2.10/24\n',
      ['192.168.1.0/24'],
      `ALL: 192.168.2.10/24\n${ours}`,
    ],
    [
      'useless, but more than the entry',
      'ALL: 192.168.1.10/24 10.\n',
      ['192.168.1.0/24'],
      `ALL: 192.168.1.10/24 10.\n${ours}`,
    ],
  ])('%s', (_, before, networks, after) => {
    expect(set(before, networks.map(net))).toBe(after)
    expect(setAllowed(parseHostsAccess(after), networks.map(net), [], never)).toEqual([])
  })

  const T2_02 = 'sshd: 198.51.100.0/24 203.0.113.0/24 : ALLOW\nsshd: ALL : DENY\nALL: ALL : ALLOW\n'
  test.each<[string, readonly string[], string, string]>([
    [
      'before a refusal of a daemon that asks',
      ['sshd'],
      T2_02,
      T2_02.replace('sshd: ALL', `${ours}sshd: ALL`),
    ],
    ['not of one that does not', ['vsftpd'], T2_02, T2_02],
    [
      'before a refusal of all but some',
      ['sshd'],
      'sshd: ALL EXCEPT 198.51.100. : DENY\n',
      `${ours}sshd: ALL EXCEPT 198.51.100. : DENY\n`,
    ],
    [
      'before the first refusal of any',
      ['vsftpd', 'sshd'],
      'sshd: ALL: DENY\nvsftpd: ALL: DENY\n',
      `${ours}sshd: ALL: DENY\nvsftpd: ALL: DENY\n`,
    ],
    [
      'before a refusal at one address of the server',
      ['sshd'],
      'sshd@192.0.2.1: ALL: DENY\n',
      `${ours}sshd@192.0.2.1: ALL: DENY\n`,
    ],
    [
      'a block that comes too late for one daemon moves',
      ['sshd'],
      `sshd: ALL: DENY\n${ours}#\n`,
      `${ours}sshd: ALL: DENY\n#\n`,
    ],
  ])('%s', (_, daemons, before, after) => {
    const twice = [before, after].map((text) =>
      applyEdits(text, setAllowed(parseHostsAccess(text), [LAN], daemons, never)),
    )
    expect(twice).toEqual([after, after])
  })

  it('deletes entries that the caller knows to be dead', () => {
    expect(set('ALL: /\nALL: 10.\nALL: / : DENY\n', [], (client) => client === '/')).toBe(
      'ALL: 10.\nALL: / : DENY\n',
    )
  })
})

describe('removeDenied', () => {
  const remove = (text: string, ...addresses: string[]) =>
    applyEdits(
      text,
      removeDenied(parseHostsAccess(text), (client) => addresses.includes(client)),
    )
  test.each<[string, string, string]>([
    ['both of portsentry’s forms', 'ALL: 10.0.0.1 : DENY\nALL: 10.0.0.1\n# x\n', '# x\n'],
    ['IPv6 as 2.x writes it', 'ALL: fd00::1 : DENY\nALL: [fd00::1]\n', ''],
    ['other addresses', 'ALL: 10.0.0.2 : DENY\n', 'ALL: 10.0.0.2 : DENY\n'],
    ['lists', 'ALL: 10.0.0.1 10.0.0.2\n', 'ALL: 10.0.0.1 10.0.0.2\n'],
    ['daemons', 'sshd: 10.0.0.1\n', 'sshd: 10.0.0.1\n'],
    ['comments', '# ALL: 10.0.0.1\n', '# ALL: 10.0.0.1\n'],
    ['continued lines', '# x \\\nALL: 10.0.0.1\n', '# x \\\nALL: 10.0.0.1\n'],
    ['lines that something is glued to', 'sshd: xALL: 10.0.0.1 : DENY\n', 'sshd: xALL: 10.0.0.1 : DENY\n'],
    ['networks', 'ALL: 10.0.0.1/32\n', 'ALL: 10.0.0.1/32\n'],
    ['CRLF, unfinished', 'ALL: 10.0.0.1\r\nALL: 10.0.0.1 : DENY', ''],
    ['behind a line too long', `#${'x'.repeat(3000)}\nALL: 10.0.0.1\n`, `#${'x'.repeat(3000)}\n`],
  ])('%s', (_, before, after) => expect(remove(before, '10.0.0.1', 'fd00::1')).toBe(after))
})

const DENIED = '/run/portward/denied'

describe('setDenyFile', () => {
  const set = (text: string, isWanted: boolean) =>
    applyEdits(text, setDenyFile(parseHostsAccess(text), DENIED, isWanted))
  const line = `ALL: ${DENIED}\n`
  test.each<[string, before: string, wanted: string, unwanted: string]>([
    ['nothing', '', line, ''],
    ['rules of the admin', '# x\nsshd: 10.\n', `# x\nsshd: 10.\n${line}`, '# x\nsshd: 10.\n'],
    ['the line itself', `${line}sshd: 10.\n`, `${line}sshd: 10.\n`, 'sshd: 10.\n'],
    ['twice', `${line}sshd: 10.\n${line}`, `${line}sshd: 10.\n`, 'sshd: 10.\n'],
    ['for one daemon', `sshd: ${DENIED}\n`, line, ''],
    ['with an option', `ALL: ${DENIED} : ALLOW\n`, line, ''],
    ['among others', `ALL: 10. ${DENIED}\n`, `ALL: 10. ${DENIED}\n${line}`, `ALL: 10. ${DENIED}\n`],
    ['a comment', `# ALL: ${DENIED}\n`, `# ALL: ${DENIED}\n${line}`, `# ALL: ${DENIED}\n`],
    ['CRLF', 'sshd: 10.\r\n', `sshd: 10.\r\nALL: ${DENIED}\r\n`, 'sshd: 10.\r\n'],
    ['a line that libwrap does not finish', 'sshd: 10.', `${line}sshd: 10.`, 'sshd: 10.'],
    [
      'behind a line too long, where libwrap reads no more',
      `${'x'.repeat(3000)}\n${line}`,
      `${line}${'x'.repeat(3000)}\n`,
      `${'x'.repeat(3000)}\n`,
    ],
  ])('%s', (_, before, wanted, unwanted) => {
    expect(set(before, true)).toBe(wanted)
    expect(set(before, false)).toBe(unwanted)
  })
})

describe('laws', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const piece = fc.constantFrom(
    'ALL', 'ALL: ', ': DENY', ':', ' ', '\n', '\n', '\n', '\r\n', '\\\n', '\\', '#', '\0', '192.168.1.', '10.0.0.0/8', 'EXCEPT ',
    'sshd', 'sshd: ', 'ALL EXCEPT sshd: ', 'sshd: ALL: DENY\n', 'vsftpd@10.0.0.1: ALL: DENY\n', `${BLOCK_BEGIN}\n`, `${BLOCK_END}\n`, 'ALL: 10.0.0.1\n', 'x'.repeat(2100), 'ALL: ALL: DENY\n', '[fd00::]/64', '[',
  ) // biome-ignore format: a table
  const text = fc.oneof(
    fc.array(byte, { maxLength: 80 }).map((bytes) => bytes.join('')),
    fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
  )
  const network = fc.oneof(
    fc.record({
      bytes: fc.array(fc.constantFrom(10, 0, 192, 168, 1), { minLength: 4, maxLength: 4 }),
      prefix: fc.integer({ min: 0, max: 32 }),
    }),
    fc.record({
      bytes: fc.array(fc.constantFrom(0xfd, 0, 0, 0xff), { minLength: 16, maxLength: 16 }),
      prefix: fc.integer({ min: 0, max: 128 }),
    }),
  )
  const networks = fc.array(network, { maxLength: 5 })

  const daemons = fc.subarray(['sshd', 'vsftpd', 'in.ftpd'])

  it('every network set is allowed, whichever daemon asks; a second time changes nothing, foreign lines survive in order', () => {
    fc.assert(
      fc.property(text, networks, daemons, (before, wanted, asking) => {
        const after = applyEdits(before, setAllowed(parseHostsAccess(before), wanted, asking, never))
        const doc = parseHostsAccess(after)
        const said = (one: Network, daemon: string | null) => [
          formatAddress(one.bytes),
          daemon,
          decides(doc, one, 'allow', daemon),
        ]
        for (const one of wanted)
          for (const daemon of [null, ...asking])
            expect(said(one, daemon)).toEqual([formatAddress(one.bytes), daemon, 'allow'])
        expect(setAllowed(doc, wanted, asking, never)).toEqual([])
        if (!/\/\d/.test(before)) expect(foreignLines(after)).toEqual(foreignLines(before))
      }),
      { numRuns: runs(500) },
    )
  })

  it('takes back all it has set', () => {
    fc.assert(
      fc.property(text, networks, (before, wanted) => {
        fc.pre(findOwnedMarks(before).blocks.length === 0 && !/\/\d|# portward/.test(before))
        const after = applyEdits(before, setAllowed(parseHostsAccess(before), wanted, [], never))
        const back = applyEdits(after, setAllowed(parseHostsAccess(after), [], [], never))
        expect([before, `${before}\n`, `${before}\r\n`]).toContain(back)
      }),
    )
  })

  it('removeDenied never throws and only removes lines', () => {
    fc.assert(
      fc.property(text, (before) => {
        const edits = removeDenied(parseHostsAccess(before), () => true)
        expect(edits.every((edit) => edit.text === '')).toBe(true)
        applyEdits(before, edits)
      }),
    )
  })

  const deny = fc.oneof(
    text,
    fc
      .array(fc.oneof(piece, fc.constantFrom(DENIED, `ALL: ${DENIED}\n`, `sshd: ${DENIED}\n`)), {
        maxLength: 25,
      })
      .map((pieces) => pieces.join('')),
  )

  it('setDenyFile leaves one line that names the file and counts, or none, and what else there is', () => {
    fc.assert(
      fc.property(deny, fc.boolean(), (before, isWanted) => {
        const after = applyEdits(before, setDenyFile(parseHostsAccess(before), DENIED, isWanted))
        const { rules, readUpTo } = parseHostsAccess(after)
        const counting = rules.filter(
          ({ daemons: [daemon], clients, options, offset, end }) =>
            daemon === 'ALL' &&
            clients.join() === DENIED &&
            options.length === 0 &&
            offset < readUpTo &&
            // A rule over several lines, or glued by a NUL byte, is the admin's.
            !/\0|\\\n/.test(after.slice(offset, end)),
        )
        expect(counting).toHaveLength(isWanted ? 1 : 0)
        expect(setDenyFile(parseHostsAccess(after), DENIED, isWanted)).toEqual([])
        const others = (all: string) => foreignLines(all).filter((one) => one !== '' && !one.includes(DENIED))
        expect(others(after)).toEqual(others(before))
      }),
      { numRuns: runs(500) },
    )
  })
})

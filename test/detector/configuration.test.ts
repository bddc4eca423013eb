import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { atoi, wholeLong } from '../../src/detector/c-numbers.ts'
import { type Configuration, readConfiguration } from '../../src/detector/configuration.ts'
import type { Mode } from '../../src/detector/decision.ts'
import { judgeConf } from '../../src/detector/judge-conf.ts'
import { parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { isError } from '../../src/problem.ts'
import { configure, confText } from './daemon.ts'

test.each([
  ['', 0],
  ['x', 0],
  ['-1', -1],
  ['+3', 3],
  [' \t7', 7],
  ['20-25', 20],
  ['12abc', 12],
  ['1 2', 1],
  ['- 1', 0],
  ['4294967297', 1],
  ['2147483648', -2147483648],
  ['99999999999999999999', -1],
])('atoi(%j) = %d', (text, value) => expect(atoi(text)).toBe(value))

test.each([
  ['5', 5n],
  [' 5', 5n],
  ['5 ', null],
  ['', null],
  ['x', null],
  ['-1', -1n],
  ['65536', 65536n],
  ['9223372036854775807', null],
])('wholeLong(%j) = %s', (text, value) => expect(wholeLong(text)).toBe(value))

/** One value of the configuration that some keys give. */
const check = (mode: Mode, keys: Record<string, string>, expected: Partial<Configuration>) =>
  expect(configure(mode, keys)).toMatchObject(expected)

describe('1.2', () => {
  test.each<[string, Record<string, string>, Partial<Configuration>]>([
    ['missing BLOCK_TCP is 0', { BLOCK_TCP: '-' }, { block: { tcp: 0, udp: 1 } }],
    ['BLOCK_TCP 3 is 0', { BLOCK_TCP: '3' }, { block: { tcp: 0, udp: 1 } }],
    ['BLOCK_TCP is read by atoi', { BLOCK_TCP: ' 2x' }, { block: { tcp: 2, udp: 1 } }],
    ['SCAN_TRIGGER -1', { SCAN_TRIGGER: '-1' }, { scanTrigger: -1 }],
    ['SCAN_TRIGGER x', { SCAN_TRIGGER: 'x' }, { scanTrigger: 0 }],
    ['SCAN_TRIGGER missing', {}, { scanTrigger: 0 }],
    ['SCAN_TRIGGER does not wrap', { SCAN_TRIGGER: '65538' }, { scanTrigger: 65538 }],
    ['RESOLVE_HOST', { RESOLVE_HOST: '1' }, { resolveHost: true }],
    ['an empty value is none', { KILL_ROUTE: '' }, { killRoute: '' }],
    ['KILL_RUN_CMD_FIRST', { KILL_RUN_CMD: 'x', KILL_RUN_CMD_FIRST: '1' }, { killRunCmdFirst: true }],
    ['no PORT_BANNER', {}, { portBanner: null }],
    ['PORT_BANNER', { PORT_BANNER: 'go away' }, { portBanner: 'go away' }],
    ['the blocked file has the mode behind it', {}, { blockedFile: '/blocked.atcp' }],
  ])('%s', (_, keys, expected) => check('atcp', keys, expected))

  it('names the blocked file after each mode', () =>
    expect(
      (['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp'] as const).map((mode) => configure(mode).blockedFile),
    ).toEqual([
      '/blocked.tcp',
      '/blocked.stcp',
      '/blocked.atcp',
      '/blocked.udp',
      '/blocked.sudp',
      '/blocked.audp',
    ]))
})

describe('2.x', () => {
  test.each<[string, Record<string, string>, Partial<Configuration>]>([
    ['SCAN_TRIGGER wraps at 65536', { SCAN_TRIGGER: '65538' }, { scanTrigger: 2 }],
    ['SCAN_TRIGGER missing', {}, { scanTrigger: 0 }],
    ['the blocked file as it stands', {}, { blockedFile: '/blocked' }],
    [
      'no files at all',
      { BLOCKED_FILE: '-', HISTORY_FILE: '-', IGNORE_FILE: '-' },
      { blockedFile: null, historyFile: null, ignoreFile: null },
    ],
  ])('%s', (_, keys, expected) => check('stealth', keys, expected))

  it('takes a shortened key', () => {
    const conf = parsePortsentryConf('KILL_R="drop $TARGET$"\n', '2.x')
    expect(readConfiguration(conf, 'stealth').killRoute).toBe('drop $TARGET$')
  })
})

const GOOD_12 = { TCP_PORTS: '1', UDP_PORTS: '2', IGNORE_FILE: '/i', HISTORY_FILE: '/h', BLOCKED_FILE: '/b' }
const GOOD_2 = { TCP_PORTS: '1', BLOCK_TCP: '1', KILL_ROUTE: 'x' }

/** The codes and lines of the problems with a file. */
const problemsOf = (text: string, mode: Mode): string[] => {
  const dialect = mode === 'stealth' || mode === 'connect' ? '2.x' : '1.2'
  const problems = judgeConf(parsePortsentryConf(text, dialect), [mode], 'x').filter(isError)
  return problems.map(({ code, at }) => (at.line === undefined ? code : `${code}:${at.line}`))
}

describe('what keeps a daemon from starting', () => {
  test.each<[Mode, Record<string, string>, string[]]>([
    ['atcp', {}, []],
    ['atcp', { TCP_PORTS: '-' }, []],
    ['stcp', { TCP_PORTS: '-' }, ['no-ports']],
    ['stcp', { TCP_PORTS: ',,' }, ['no-ports']],
    ['tcp', { UDP_PORTS: '-' }, []],
    ['udp', { UDP_PORTS: '' }, ['no-ports']],
    ['audp', { HISTORY_FILE: '-' }, ['missing-key']],
    [
      'audp',
      { HISTORY_FILE: '-', IGNORE_FILE: '-', BLOCKED_FILE: '-' },
      ['missing-key', 'missing-key', 'missing-key'],
    ],
    ['atcp', { BLOCK_TCP: '7', SCAN_TRIGGER: 'x', KILL_ROUTE: '-' }, []],
  ])('1.2 -%s %j: %j', (mode, keys, problems) =>
    expect(problemsOf(confText({ ...GOOD_12, ...keys }), mode)).toEqual(problems),
  )

  test.each<[Record<string, string>, string[]]>([
    [{}, []],
    [{ TCP_PORTS: '-' }, ['no-ports']],
    [{ TCP_PORTS: '-', UDP_PORTS: '7' }, []],
    [{ TCP_PORTS: 'x' }, []],
    [{ TCP_PORTS: ',' }, ['bad-value:1', 'no-ports']],
    [{ BLOCK_TCP: '3' }, ['bad-value:2']],
    [{ BLOCK_TCP: '01' }, ['bad-value:2']],
    [{ KILL_ROUTE: '-' }, ['no-command']],
    [{ KILL_ROUTE: '-', KILL_HOSTS_DENY: 'x' }, []],
    [{ BLOCK_TCP: '2' }, ['no-command']],
    [{ BLOCK_TCP: '2', KILL_RUN_CMD: 'x' }, []],
    [{ BLOCK_TCP: '0', KILL_ROUTE: '-' }, []],
    [{ SCAN_TRIGGER: '-1' }, ['bad-value:4']],
    [{ SCAN_TRIGGER: 'x' }, ['bad-value:4']],
    [{ SCAN_TRIGGER: '70000' }, []],
    [{ RESOLVE_HOST: '2' }, ['bad-value:4']],
    [{ KILL_RUN_CMD_FIRST: 'yes' }, ['bad-value:4']],
    [{ ADVANCED_PORTS_TCP: '1024' }, ['line-refused:4']],
    [{ KILL_RUN_CMD: '' }, ['line-refused:4']],
  ])('2.x %j: %j', (keys, problems) =>
    expect(problemsOf(confText({ ...GOOD_2, ...keys }), 'stealth')).toEqual(problems),
  )

  it('is a value that a later line would set right', () =>
    expect(problemsOf(`BLOCK_TCP="x"\n${confText(GOOD_2)}`, 'stealth')).toEqual(['bad-value:1']))

  it('is a line that 2.x reads in pieces', () =>
    expect(problemsOf(`${confText(GOOD_2)}#${'x'.repeat(1023)}\n`, 'connect')).toEqual(['line-overlong:4']))
})

it('reads anything without throwing', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('TCP_PORTS="1,2"', 'K="x"', 'BLOCK_TCP = "9"', 'SCAN_TRIGGER=" 5"'),
  )
  const modes = fc.constantFrom<Mode>('tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp', 'stealth', 'connect')
  fc.assert(
    fc.property(fc.array(line), modes, (lines, mode) => {
      problemsOf(lines.join('\n'), mode)
    }),
  )
})

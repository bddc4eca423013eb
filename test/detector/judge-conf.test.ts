import { expect, it } from 'vitest'
import type { Mode } from '../../src/detector/decision.ts'
import { judgeConf } from '../../src/detector/judge-conf.ts'
import { parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { isError } from '../../src/problem.ts'

const FILES = 'IGNORE_FILE="/i"\nHISTORY_FILE="/h"\nBLOCKED_FILE="/b"\n'
const PORTS = Array.from({ length: 65 }, (_, index) => index + 1).join(',')

/** What is said of a file whose first line this is. */
const judged = (line: string, ...modes: Mode[]): string[] => {
  const is2 = modes.includes('stealth')
  const rest = is2 ? 'UDP_PORTS="7"\nKILL_ROUTE="x $TARGET$"\n' : FILES
  return judgeConf(parsePortsentryConf(`${line}\n${rest}`, is2 ? '2.x' : '1.2'), modes, 'p').map(
    (problem) => {
      const { message, at } = problem
      return `${isError(problem) ? 'error' : 'warning'} ${at.line ?? '-'}: ${message}`
    },
  )
}

it.each<[line: string, modes: Mode[], expected: string[]]>([
  ['', ['atcp', 'audp'], []],
  ['SCAN_TRIGGER="5"', ['atcp', 'audp'], []],
  ['SCAN_TRIGGER="x"', ['atcp', 'audp'], ['warning 1: SCAN_TRIGGER is "x", which portsentry reads as 0']],
  ['SCAN_TRIGGER="3x"', ['atcp'], ['warning 1: SCAN_TRIGGER is "3x", which portsentry reads as 3']],
  ['SCAN_TRIGGER="-1"', ['atcp'], ['warning 1: SCAN_TRIGGER is "-1", which portsentry reads as 0']],
  [
    'SCAN_TRIGGER="51"',
    ['atcp'],
    ['warning 1: SCAN_TRIGGER is "51", which portsentry reads as too many: it acts on the first packet'],
  ],
  ['BLOCK_TCP="yes"', ['atcp'], ['warning 1: BLOCK_TCP is "yes", which portsentry reads as 0']],
  ['BLOCK_TCP="yes"', ['audp'], []],
  ['BLOCK_UDP="2"', ['audp'], []],
  [
    'KILL_RUN_CMD_FIRST="yes"',
    ['atcp'],
    ['warning 1: KILL_RUN_CMD_FIRST is "yes", which portsentry reads as 0'],
  ],
  ['KILL_RUN_CMD_FIRST="7"', ['atcp'], ['warning 1: KILL_RUN_CMD_FIRST is "7", which portsentry reads as 1']],
  ['TCP_PORTS="20-25"', ['atcp'], []],
  [
    'TCP_PORTS="1,20-25"',
    ['stcp'],
    ['warning 1: TCP_PORTS has the range 20-25, which portsentry 1.2 reads as 20 alone'],
  ],
  ['TCP_PORTS="1,abc"', ['tcp'], ['warning 1: TCP_PORTS has "abc", which is not a port']],
  [`UDP_PORTS="${PORTS}"`, ['sudp'], ['warning 1: UDP_PORTS has 65 ports, of which portsentry 1.2 reads 64']],
  [
    `ADVANCED_EXCLUDE_TCP="${PORTS}"`,
    ['atcp'],
    ['warning 1: ADVANCED_EXCLUDE_TCP has 65 ports, of which portsentry 1.2 reads 64'],
  ],
  [
    'ADVANCED_PORTS_TCP="all"',
    ['atcp'],
    ['warning 1: ADVANCED_PORTS_TCP is "all", which portsentry reads as 0'],
  ],
  [
    ' PORT_BANNER="x"',
    ['atcp', 'audp'],
    ['warning 1: portsentry ignores " PORT_BANNER=\\"x\\"": it begins with a blank'],
  ],
  [
    'KILL_ROUTE="a "b" c"',
    ['atcp'],
    ['warning 1: of KILL_ROUTE portsentry reads only "a ", not "a \\"b\\" c"'],
  ],
  ['', ['stcp'], ['error -: no ports in TCP_PORTS']],

  ['', ['stealth'], []],
  ['SCAN_TRIGGER="many"', ['stealth'], ['error 1: portsentry does not start with "many" for SCAN_TRIGGER']],
  ['SCAN_TRIGGER="65538"', ['stealth'], ['warning 1: SCAN_TRIGGER is "65538", which portsentry reads as 2']],
  [
    'KILL_RUN_CMD_FIRST = "yes"',
    ['stealth'],
    ['error 1: portsentry does not start with "yes" for KILL_RUN_CMD_FIRST'],
  ],
  ['TCP_PORTS="11,12 "', ['stealth'], ['warning 1: TCP_PORTS has "12 ", which portsentry ignores']],
  ['TCP_PORTS="11, 12,20-25"', ['stealth'], []],
  ['BLOCK_TCP="2"', ['stealth'], ['error -: BLOCK_TCP or BLOCK_UDP is 2, but there is no KILL_RUN_CMD']],
  [' SCAN_TRIGGER="1"', ['stealth'], ['error 1: portsentry does not start over this line']],
])('%s in %j: %j', (line, modes, expected) => {
  expect(judged(line, ...modes)).toEqual(expected)
})

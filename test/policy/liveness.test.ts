import { expect, it, test } from 'vitest'
import type { Liveness } from '../../src/facts/daemons.ts'
import type { Socket, SocketTable } from '../../src/facts/procfs.ts'
import { judgeLiveness } from '../../src/policy/liveness.ts'
import { openSocket } from '../plan/live.ts'

const command = (args: string): string[] => ['/usr/sbin/portsentry', ...args.split(' ').filter(Boolean)]

const socket = (text: string): Socket => {
  const [table, number] = text.split(':')
  return openSocket(table as SocketTable, Number(number))
}

const INTERFACES = new Map([
  [2, 'lan0'],
  [3, 'wan0'],
])

/** `sockets` as `table:number`, or `?` where only root may look. */
const judged = (args: string, state: string, sockets: string, wchan: string | null = 'wait_for_partner') => {
  const liveness: Liveness = {
    state,
    wchan,
    sockets: sockets === '?' ? null : sockets.split(' ').filter(Boolean).map(socket),
    interfaces: INTERFACES,
  }
  const { watches, details, missing } = judgeLiveness(command(args), liveness)
  return [String(watches), details, ...missing].join(' | ')
}

const HANGS = 'and waits in wait_for_partner'

// The sockets as they were seen on Debian 12 (1.2-14), 13 (1.2-16) and testing (2.0.7).
test.each<[args: string, state: string, sockets: string, expected: string]>([
  ['-atcp', 'S', 'raw:6', 'true | 1 raw TCP socket'],
  ['-stcp', 'R', 'raw:6', 'true | 1 raw TCP socket'],
  ['-audp', 'S', 'raw:17', 'true | 1 raw UDP socket'],
  ['-sudp', 'S', 'raw:17', 'true | 1 raw UDP socket'],
  ['-tcp', 'S', 'tcp:1 tcp:11', 'true | 2 listening TCP sockets'],
  ['-udp', 'S', 'udp:7', 'true | 1 bound UDP socket'],
  ['', 'S', 'packet:2 packet:3', 'true | 2 packet sockets'],
  ['--connect', 'S', 'tcp:1 udp:7', 'true | 2 bound TCP or UDP sockets'],
  // By somebody's own unit.
  ['-m raw', 'S', 'packet:0 packet:0', 'true | 2 usable sockets'],
  ['', 'S', 'packet:2', 'true | 1 packet socket | wan0'],
  ['', 'S', 'packet:0', 'true | 1 packet socket'],

  ['-atcp', 'S', '', `false | it has no raw TCP socket open, ${HANGS}`],
  ['-atcp', 'S', 'raw:17', `false | it has no raw TCP socket open, ${HANGS}`],
  ['', 'S', '', `false | it has no packet socket open, ${HANGS}`],
  ['-tcp', 'S', 'raw:6', `false | it has no listening TCP socket open, ${HANGS}`],
  ['-atcp', 'T', 'raw:6', 'false | it is stopped by a signal (SIGSTOP)'],
  ['-atcp', 't', 'raw:6', 'false | it is stopped by a debugger'],
  ['-atcp', 'Z', '', 'false | it has ended (a zombie process)'],
  ['-atcp', 'D', 'raw:6', `false | it hangs in the kernel, ${HANGS}`],

  ['-atcp', 'S', '?', 'null | only root can see which sockets it has open'],
  // Everybody may see this.
  ['-atcp', 'T', '?', 'false | it is stopped by a signal (SIGSTOP)'],
])('portsentry %s in state %s with %j: %s', (args, state, sockets, expected) =>
  expect(judged(args, state, sockets)).toBe(expected),
)

it('says nothing of where a daemon waits if the kernel does not', () =>
  expect(judged('', 'S', '', null)).toBe('false | it has no packet socket open'))

it('takes a process that could not be checked for neither', () =>
  expect(judgeLiveness(command('-atcp'), undefined)).toMatchObject({ watches: null }))

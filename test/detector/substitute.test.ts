import { describe, expect, test } from 'vitest'
import type { Action, Mode } from '../../src/detector/decision.ts'
import { createActions } from '../../src/detector/substitute.ts'
import { configure } from './daemon.ts'

const render = (action: Action): string => {
  if (action.kind === 'impossible') return `${action.option} impossible: ${action.reason}`
  return `${action.option} ${action.kind === 'command' ? action.command : action.line}`
}

const actions = (mode: Mode, keys: Record<string, string>, host = '203.0.113.9'): string[] =>
  createActions(configure(mode, keys))('tcp', { host, port: 11, mode }).map(render)

const ALL = { KILL_ROUTE: 'route $TARGET$', KILL_HOSTS_DENY: 'ALL: $TARGET$', KILL_RUN_CMD: 'run' }

describe.each<Mode>(['atcp', 'stealth'])('%s', (mode) => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'in this order',
      ALL,
      ['KILL_HOSTS_DENY ALL: 203.0.113.9', 'KILL_ROUTE route 203.0.113.9', 'KILL_RUN_CMD run'],
    ],
    [
      'the command first',
      { ...ALL, KILL_RUN_CMD_FIRST: '1' },
      ['KILL_RUN_CMD run', 'KILL_HOSTS_DENY ALL: 203.0.113.9', 'KILL_ROUTE route 203.0.113.9'],
    ],
    ['2 is the command alone', { ...ALL, BLOCK_TCP: '2', KILL_RUN_CMD_FIRST: '1' }, ['KILL_RUN_CMD run']],
    ['0 is nothing', { ...ALL, BLOCK_TCP: '0' }, []],
    [
      'of UDP it does not depend',
      { ...ALL, BLOCK_UDP: '0', KILL_HOSTS_DENY: '-', KILL_RUN_CMD: '-' },
      ['KILL_ROUTE route 203.0.113.9'],
    ],
    [
      'every token everywhere',
      { KILL_ROUTE: '$TARGET$ $TARGET$ $PORT$$MODE$ $target$ $PORT' },
      [`KILL_ROUTE 203.0.113.9 203.0.113.9 11${mode} $target$ $PORT`],
    ],
    [
      'no $TARGET$',
      { KILL_ROUTE: 'x', KILL_HOSTS_DENY: 'ALL: ALL', KILL_RUN_CMD: 'x' },
      [
        'KILL_HOSTS_DENY impossible: it has no $TARGET$',
        'KILL_ROUTE impossible: it has no $TARGET$',
        'KILL_RUN_CMD x',
      ],
    ],
    ['what looks like a pattern', { KILL_ROUTE: '$TARGET$ $& $1 $$' }, ['KILL_ROUTE 203.0.113.9 $& $1 $$']],
  ])('%s', (_, keys, expected) => expect(actions(mode, keys)).toEqual(expected))
})

/** A KILL_ROUTE of this length, with one token at its end. */
const long = (length: number, token = '$TARGET$'): string => 'x'.repeat(length - token.length) + token

test.each<[Mode, string, string, boolean]>([
  // 1.2: value + address + 8 must not be more than 1024 (seen: 1005 works, 1010 does not).
  ['atcp', long(1005), '203.0.113.9', true],
  ['atcp', long(1006), '203.0.113.9', false],
  ['atcp', long(1009), '10.0.0.9', false],
  ['atcp', long(1008), '10.0.0.9', true],
  // The same rule at each token that is there.
  ['atcp', `$TARGET$${long(999, '$PORT$')}`, '10.0.0.9', true],
  ['atcp', `$TARGET$${long(1000, '$PORT$')}`, '10.0.0.9', true],
  ['atcp', `$TARGET$${long(1009, '$PORT$')}`, '1.1.1.1', false],
  // What does not fit at all would overrun the daemon's buffer.
  ['atcp', '$TARGET$'.repeat(95), '203.0.113.199', false],
  // 2.x: 1023 characters must come out.
  ['stealth', long(1011), '203.0.113.9', true],
  ['stealth', '$TARGET$'.repeat(93), '203.0.113.9', true],
  ['stealth', '$TARGET$'.repeat(94), '203.0.113.9', false],
  ['stealth', '$TARGET$'.repeat(30), '2001:db8:1111:2222:3333:4444:5555:6666', false],
])('%s (%#)', (mode, text, host, works) => {
  const [action = ''] = actions(mode, { KILL_ROUTE: text }, host)
  expect(action.startsWith('KILL_ROUTE impossible: it is too long to fill in $')).toBe(!works)
})

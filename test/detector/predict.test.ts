import { describe, expect, it, test } from 'vitest'
import { blockedRecord } from '../../src/detector/blocked-hosts.ts'
import { readConfiguration } from '../../src/detector/configuration.ts'
import type { Mode } from '../../src/detector/decision.ts'
import { predict } from '../../src/detector/predict.ts'
import { parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { address } from './daemon.ts'

const CONF =
  'TCP_PORTS="11,15"\nUDP_PORTS="7"\nBLOCK_TCP="1"\nBLOCK_UDP="0"\nKILL_ROUTE="drop $TARGET$ $PORT$ $MODE$"\n'
const NOBODY = { file: null, hosts: new Set<string>() }

interface Case {
  readonly mode?: Mode
  readonly host?: string
  readonly conf?: string
  readonly ignore?: string | null
  readonly file?: string | null
  readonly remembered?: readonly string[]
}

const prospect = ({
  mode = 'atcp',
  host = '203.0.113.9',
  conf = '',
  ignore = '',
  file = null,
  remembered = [],
}: Case) => {
  const dialect = mode === 'stealth' || mode === 'connect' ? '2.x' : '1.2'
  const configuration = readConfiguration(parsePortsentryConf(CONF + conf, dialect), mode)
  const list = ignore === null ? null : parseIgnoreList(ignore, dialect)
  const memory = { ...NOBODY, file, hosts: new Set(remembered) }
  return predict(configuration, { address: address(host), host }, list, memory)
}

const LINE = '1795288592 - 11/21/2026 19:16:32 Host: 203.0.113.9/203.0.113.9 Port: 11 TCP Blocked\n'
const RECORD = String.fromCharCode(...blockedRecord(address('203.0.113.9')))

describe('the verdict', () => {
  test.each<[string, Case, string]>([
    ['an unprotected host', {}, 'act'],
    ['no ignore list', { ignore: null }, 'act'],
    ['ignored', { ignore: '192.0.2.1\n203.0.113.0/24\n' }, 'ignored 2'],
    ['ignored before blocked', { ignore: '203.0.113.9\n', file: LINE }, 'ignored 1'],
    ['blocked', { file: LINE }, 'already-blocked'],
    ['another one blocked', { file: LINE, host: '203.0.113.90' }, 'act'],
    ['by the end of another one', { file: LINE, host: '3.0.113.9' }, 'already-blocked'],
    ['blocked in 2.x', { mode: 'stealth', file: RECORD }, 'already-blocked'],
    ['2.x by the end of another one', { mode: 'stealth', file: RECORD, host: '3.0.113.9' }, 'act'],
    ['in mind', { mode: 'stealth', remembered: ['203.0.113.9'] }, 'already-blocked'],
    ['IPv6 and 1.2', { host: '2001:db8::9' }, 'unseen'],
    ['IPv6 and 2.x', { host: '2001:db8::9', mode: 'stealth' }, 'act'],
  ])('%s', (_, what, expected) => {
    const { verdict, ignoredByLine } = prospect(what)
    expect(ignoredByLine === null ? verdict : `${verdict} ${ignoredByLine}`).toBe(expected)
  })
})

it('makes the actions out for a port that is watched', () => {
  const shown = ({ protocols }: ReturnType<typeof prospect>) =>
    protocols.map(({ protocol, port, block, actions }) => [
      `${port}/${protocol}`,
      block,
      ...actions.map((action) => (action.kind === 'command' ? action.command : action.kind)),
    ])
  expect(shown(prospect({ mode: 'stcp' }))).toEqual([['11/tcp', 1, 'drop 203.0.113.9 11 stcp']])
  expect(shown(prospect({ mode: 'audp' }))).toEqual([['1/udp', 0]])
  expect(shown(prospect({ conf: 'ADVANCED_EXCLUDE_TCP="1,2"\n' }))).toEqual([
    ['3/tcp', 1, 'drop 203.0.113.9 3 atcp'],
  ])
  expect(shown(prospect({ mode: 'stealth' }))).toEqual([
    ['11/tcp', 1, 'drop 203.0.113.9 11 stealth'],
    ['7/udp', 0],
  ])
  expect(shown(prospect({ conf: 'ADVANCED_PORTS_TCP="0"\n' }))).toEqual([['null/tcp', 1]])
})

test.each([
  ['', 1],
  ['SCAN_TRIGGER="0"\n', 1],
  ['SCAN_TRIGGER="3"\n', 3],
])('acts at a packet by %j: %i', (conf, expected) => expect(prospect({ conf }).atPacket).toBe(expected))

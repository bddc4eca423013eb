import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Decision, Verdict } from '../../src/detector/decision.ts'
import { historyLine2, historyLine12, scanEvent2 } from '../../src/detector/history.ts'
import { parseHistory } from '../../src/detector/history-reader.ts'
import { formatAddress } from '../../src/network.ts'
import { packet, utc } from './daemon.ts'

const LINE_12 = '1795288592 - 11/21/2026 19:16:32 Host: 203.0.113.9/203.0.113.9 Port: 11 TCP Blocked'
const LINE_2 =
  '2026-11-21T19:26:56.506+0000 Scan from: [203.0.113.9] (203.0.113.9) protocol: [TCP] port: [11] type: [TCP SYN/Normal scan] IP opts: [not set] ignored: [false] triggered: [true] noblock: [false] blocked: [true]'

const shown = (text: string) =>
  parseHistory(text).map(({ timeMs, host, protocol, port, scan, isCounted, isBlocked }) =>
    [timeMs, host, `${port}/${protocol}`, scan ?? '-', isCounted, isBlocked].join(' '),
  )

const READ_12 = '1795288592000 203.0.113.9 11/tcp - true true'
const READ_2 = '1795289216506 203.0.113.9 11/tcp TCP SYN/Normal scan true true'

describe('reads', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['\n\n', []],
    [LINE_12, [READ_12]],
    [`${LINE_12}\n`, [READ_12]],
    [`${LINE_12}\r\n`, [READ_12]],
    [`${LINE_12}\n${LINE_2}\n`, [READ_12, READ_2]],
    // The file may begin in the middle of a line.
    [`${LINE_12.slice(5)}\n${LINE_12}\n`, ['88592000 203.0.113.9 11/tcp - true true', READ_12]],
    [`${LINE_2.slice(5)}\n${LINE_2}\n`, [READ_2]],
    [LINE_12.replace('203.0.113.9/', 'scanner.example/'), [READ_12]],
    // Names come from the attacker's own name server.
    [LINE_12.replace('203.0.113.9/', '198.51.100.1 Port: 1 TCP Blocked/198.51.100.2/'), [READ_12]],
    [LINE_12.replace('TCP', 'UDP'), [READ_12.replace('tcp', 'udp')]],
    [LINE_12.replace('Port: 11', 'Port: 65536'), []],
    [LINE_12.replace('/203.0.113.9', '/203.0.113.256'), []],
    [`${LINE_12} `, []],
    ['# somebody wrote this', []],
    [LINE_2.replace('+0000', '+0130'), [READ_2.replace('1795289216506', '1795283816506')]],
    [LINE_2.replace('+0000', '-0100'), [READ_2.replace('1795289216506', '1795292816506')]],
    [LINE_2.replace('triggered: [true]', 'triggered: [false]'), [READ_2.replace('true true', 'false true')]],
    [LINE_2.replace('ignored: [false]', 'ignored: [true]'), [READ_2.replace('true true', 'false true')]],
    [LINE_2.replace('blocked: [true]', 'blocked: [unset]'), [READ_2.replace('true true', 'true false')]],
    [LINE_2.replaceAll('203.0.113.9', '2001:DB8:0::9'), [READ_2.replace('203.0.113.9', '2001:db8::9')]],
    [LINE_2.replace('TCP SYN/Normal scan', 'Connect'), [READ_2.replace('TCP SYN/Normal scan', 'Connect')]],
    ['Host:', []],
  ])('%j', (text, expected) => expect(shown(text)).toEqual(expected))
})

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const verdict = fc.constantFrom<Verdict>(
  'ignored',
  'below-trigger',
  'own-address',
  'log-only',
  'already-blocked',
  'act',
)

const decisions = fc
  .record({
    source: address.map((bytes) => [...bytes]),
    timeMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.integer({ min: 0, max: 65_535 }),
    verdict,
  })
  .map(
    ({ source, timeMs, protocol, port, verdict: made }): Decision => ({
      packet: { ...packet(), source, timeMs, protocol, port },
      mode: 'stealth',
      host: formatAddress(source),
      scan: protocol === 'udp' ? 'UDP' : 'TCP SYN/Normal scan',
      port,
      verdict: made,
      ignoredByLine: null,
      actions: [],
    }),
  )

it('reads what 2.x writes', () => {
  fc.assert(
    fc.property(decisions, fc.boolean(), (decision, blocked) => {
      const { host, port, scan, packet: seen, verdict: made } = decision
      const [event, ...more] = parseHistory(historyLine2(scanEvent2(decision, blocked), utc(seen.timeMs)))
      expect(more).toEqual([])
      expect(event).toEqual({
        timeMs: seen.timeMs,
        host,
        protocol: seen.protocol,
        port,
        scan,
        isCounted: !['ignored', 'below-trigger', 'own-address'].includes(made),
        isIgnored: made === 'ignored' || made === 'own-address',
        isBlocked: made === 'already-blocked' || (made === 'act' && blocked),
      })
    }),
  )
})

it('reads what 1.2 writes, whatever name a resolver gave', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', '.', '/', ' ', ':', '1', 'Host: ', 'Port: 1 TCP Blocked'),
  })
  fc.assert(
    fc.property(decisions, name, (decision, called) => {
      fc.pre(decision.packet.source.length === 4)
      const { host, port, packet: seen } = decision
      const events = parseHistory(historyLine12(decision, called, utc(seen.timeMs)))
      const timeMs = Math.floor(seen.timeMs / 1000) * 1000
      const said = { timeMs, host, protocol: seen.protocol, port, scan: null }
      expect(events).toEqual([{ ...said, isCounted: true, isIgnored: false, isBlocked: true }])
    }),
  )
})

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHistory(text)))
})

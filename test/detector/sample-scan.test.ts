import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { formatAddress } from '../../src/network.ts'
import { fixtures } from '../tree.ts'
import { packetsIn } from './captures.ts'
import { sampleScan } from './sample-scan.ts'
import { hasTcpdump } from './tcpdump.ts'

const path = join(fixtures, 'scan.pcap')
const REWRITE = 'PORTWARD_WRITE_SAMPLE'
if (process.env[REWRITE] === '1') writeFileSync(path, sampleScan())

it('is what fixtures/scan.pcap holds', () => {
  const committed = readFileSync(path)
  expect(
    Buffer.from(sampleScan()).equals(committed),
    `${REWRITE}=1 in front of this test writes it anew`,
  ).toBe(true)
  expect(committed.length).toBeLessThan(8192)
})

it('has hosts that probe the server in every way, and its answers', () => {
  const { packets, counts, fault } = packetsIn(sampleScan())
  const probes = new Map<string, string[]>()
  for (const { source, protocol, flags, port } of packets) {
    const host = formatAddress(source)
    if (host === '192.168.1.10' || flags & 4) continue
    probes.set(host, [...(probes.get(host) ?? []), `${port}/${protocol} ${flags}`])
  }
  const scan = [22, 11, 23, 80, 79, 111, 143, 40000].map((port) => `${port}/tcp 2`)
  expect(fault).toBeNull()
  expect(counts).toEqual({ decoded: 64, otherProtocol: 2, fragments: 0, truncated: 0, malformed: 0 })
  expect(Object.fromEntries(probes)).toEqual({
    '203.0.113.77': [2, 16, 24, 17, 16].map((flags) => `22/tcp ${flags}`),
    '203.0.113.9': scan,
    '198.51.100.23': ['15/tcp 1', '79/tcp 0', '119/tcp 41', '161/udp 0'],
    '192.168.1.55': scan,
    '198.51.100.7': [22, 11, 143].map((port) => `${port}/tcp 2`),
    '192.0.2.44': [11, 22, 111].map((port) => `${port}/tcp 16`),
  })
})

it.skipIf(!hasTcpdump)('has checksums that tcpdump finds right', () => {
  const { stdout } = spawnSync('tcpdump', ['-nn', '-vv', '-r', '-'], {
    input: sampleScan(),
    encoding: 'utf8',
  })
  expect(stdout.match(/cksum 0x\w+ \(correct\)|udp sum ok/g)?.length).toBeGreaterThan(60)
  expect(stdout).not.toMatch(/incorrect|bad|wrong|invalid/)
})

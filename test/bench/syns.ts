import { closeSync, openSync, writeSync } from 'node:fs'

/** Ethernet, IPv4 and TCP without options. */
const FRAME = 54
const RECORD = 16 + FRAME
/** 11.0.0.0: the first source is the next address. */
const FIRST_SOURCE = 11 * 2 ** 24

/** The internet checksum of these bytes, from a sum of what else it covers. */
const checksum = (bytes: Buffer, start: number, end: number, before = 0): number => {
  let sum = before
  for (let at = start; at < end; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return 0xffff - sum
}

/**
 * Writes a pcap file of SYNs to `destination` (its bytes), 100,000 for each second, to the ports from 1 to 1023 in turn. Each of
 * the sources sends as many.
 */
export const writeSyns = (
  path: string,
  { packets, sources, destination }: { packets: number; sources: number; destination: readonly number[] },
): void => {
  const file = openSync(path, 'w')
  const head = Buffer.alloc(24)
  for (const [at, value] of [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1].entries())
    head.writeUInt32LE(value, at * 4)
  writeSync(file, head)
  const batch = Buffer.alloc(10_000 * RECORD)
  for (let packet = 0, at = 0; packet < packets; packet += 1) {
    batch.fill(0, at, at + RECORD)
    batch.writeUInt32LE(1_795_288_592 + Math.floor(packet / 100_000), at)
    batch.writeUInt32LE((packet % 100_000) * 10, at + 4)
    batch.writeUInt32LE(FRAME, at + 8)
    batch.writeUInt32LE(FRAME, at + 12)
    const [ip, tcp] = [at + 30, at + 50]
    batch.set([2, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0, 1, 8, 0], at + 16)
    batch.set([0x45, 0, 0, 40], ip)
    batch.set([64, 6], ip + 8)
    batch.writeUInt32BE(FIRST_SOURCE + 1 + (packet % sources), ip + 12)
    batch.set(destination, ip + 16)
    batch.writeUInt16BE(checksum(batch, ip, ip + 20), ip + 10)
    batch.writeUInt16BE(1024 + (packet % 60_000), tcp)
    batch.writeUInt16BE(1 + (packet % 1023), tcp + 2)
    batch.writeUInt32BE(packet, tcp + 4)
    batch.set([0x50, 2, 4], tcp + 12)
    batch.writeUInt16BE(checksum(batch, ip + 12, tcp + 20, 6 + 20), tcp + 16)
    at += RECORD
    if (at === batch.length || packet === packets - 1) {
      writeSync(file, batch, 0, at)
      at = 0
    }
  }
  closeSync(file)
}

/** The text of the first sources. */
export const sourceTexts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const source = FIRST_SOURCE + 1 + index
    return [source >>> 24, (source >>> 16) & 255, (source >>> 8) & 255, source & 255].join('.')
  })

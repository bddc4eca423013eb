import type { Packet } from '../../../src/detector/packet.ts'
import { formatAddress } from '../../../src/network.ts'
import type { Server } from '../harness/server.ts'
import { withCapture } from './capture.ts'
import type { Run } from './compare.ts'
import { watchWithDaemon } from './daemon.ts'
import { gather } from './evidence.ts'
import { PORTS, SCANS, type Setup } from './matrix.ts'
import { readPackets, watchWithDetector } from './replay.ts'
import { scanServer } from './traffic.ts'

const missingOf = (packets: readonly Packet[]): string[] => {
  const came = new Set(packets.map(({ source, port }) => `${formatAddress(source)} ${port}`))
  // Of -f nothing is seen: no fragment has a whole header.
  return SCANS.filter(({ name }) => name !== '-sS -f').flatMap(({ name, source }) =>
    PORTS.filter(({ port }) => !came.has(`${source} ${port}`)).map(({ port }) => `${name} to ${port}`),
  )
}

/** Lets the scans loose on the stock daemon, and the detector on a capture of them. */
export const runSetup = async (server: Server, setup: Setup): Promise<Run> => {
  const { result, capture } = await withCapture(server, () =>
    watchWithDaemon(server, setup, () => scanServer(server, setup)),
  )
  const packets = readPackets(capture)
  return {
    setup,
    missing: missingOf(packets),
    daemon: gather(result),
    detector: gather(await watchWithDetector(packets, setup)),
  }
}

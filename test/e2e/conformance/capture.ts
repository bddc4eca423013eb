import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../harness/eventually.ts'
import { addresses } from '../harness/network.ts'
import type { Server } from '../harness/server.ts'

/** A datagram to a port that nobody watches: when the capture has it, it has all that came before. */
const MARK = 'all sent'

/** Does something and returns what it gave, with a capture of all that reached the server from before it began. */
export const withCapture = async <T>(
  { network, attacker }: Server,
  body: () => Promise<T>,
): Promise<{ result: T; capture: Buffer }> => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-conformance-'))
  const path = join(directory, 'scans.pcap')
  // -Z: tcpdump shall stay root, whose directory it is.
  const options = ['-n', '-i', 'any', '-s', '256', '-U', '--immediate-mode', '-Z', 'root', '-w', path]
  const tcpdump = spawn('ip', ['netns', 'exec', network.server, 'tcpdump', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(tcpdump, 'exit')
  let said = ''
  tcpdump.stderr.on('data', (chunk) => {
    said += String(chunk)
  })
  const waitFor = (what: string, condition: () => Promise<boolean> | boolean) =>
    eventually(what, condition, { timeoutMs: 60_000, intervalMs: 20 }).catch((cause) => {
      throw new Error(`tcpdump: ${said}`, { cause })
    })
  try {
    await waitFor('tcpdump captures', () => said.includes('listening on'))
    const result = await body()
    await attacker.exec('bash', '-c', `printf '${MARK}' >/dev/udp/${addresses.server.wan}/65000`)
    await waitFor('the capture is whole', async () => (await readFile(path)).includes(MARK))
    tcpdump.kill('SIGTERM')
    await ended
    return { result, capture: await readFile(path) }
  } finally {
    if (tcpdump.exitCode === null) tcpdump.kill('SIGKILL')
    await ended
    await rm(directory, { recursive: true })
  }
}

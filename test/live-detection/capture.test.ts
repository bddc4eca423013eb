import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Chunks, openCapture, startCapture } from '../../src/live-detection/capture.ts'
import { HostError } from '../../src/system/host-error.ts'
import { temporaryDirectory } from '../tree.ts'

const gather = async (chunks: Chunks): Promise<string> => {
  let text = ''
  for await (const chunk of chunks) text += Buffer.from(chunk).toString('latin1')
  return text
}

it('reads a file to its end', async () => {
  const path = join(temporaryDirectory(), 'a.pcap')
  writeFileSync(path, 'x'.repeat(200_000))
  expect(await gather(openCapture(path).chunks)).toHaveLength(200_000)
})

it('ends where it is told to', async () => {
  const capture = openCapture('/dev/zero')
  let chunks = 0
  for await (const _ of capture.chunks) {
    chunks += 1
    if (chunks === 3) capture.stop()
  }
  expect(chunks).toBeLessThan(6)
})

it('says what it cannot read', async () => {
  await expect(gather(openCapture('/nonexistent').chunks)).rejects.toThrow('cannot read /nonexistent: ENOENT')
  await expect(gather(openCapture('/').chunks)).rejects.toThrow('cannot read /: EISDIR')
})

it('says why it cannot watch an interface', async () => {
  const capture = startCapture('no-such-device', true)
  await expect(capture.started).rejects.toBeInstanceOf(HostError)
  await expect(capture.started).rejects.toThrow(
    /^tcpdump (?:is not installed|ended with exit code 1: no-such-device)/,
  )
  capture.stop()
  expect((await capture.ended).lost).toBeNull()
})

import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readHistoryTail } from '../../src/facts/history-tail.ts'
import { HostError } from '../../src/system/host-error.ts'
import { temporaryDirectory } from '../tree.ts'

const withHistory = (text: string): string => {
  const root = temporaryDirectory()
  writeFileSync(`${root}/history`, text, 'latin1')
  return root
}

it('reads all of a small file, byte for byte', async () => {
  expect(await readHistoryTail(withHistory('a\xe9\nb'), '/history')).toBe('a\xe9\nb')
  expect(await readHistoryTail(withHistory(''), '/history')).toBe('')
})

it('reads the end of a large one, from the start of a line', async () => {
  const line = `${'x'.repeat(99)}\n`
  const text = await readHistoryTail(withHistory(line.repeat(20_000)), '/history')
  expect(text.length).toBeLessThanOrEqual(1 << 20)
  expect(text).toBe(line.repeat(Math.floor((1 << 20) / 100)))
})

it('finds nothing where there is none, and says what it cannot read', async () => {
  expect(await readHistoryTail(temporaryDirectory(), '/history')).toBe('')
  await expect(readHistoryTail(temporaryDirectory(), '/')).rejects.toBeInstanceOf(HostError)
})

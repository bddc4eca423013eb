import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readProcFile } from '../../src/facts/procfs.ts'
import { temporaryDirectory } from '../tree.ts'

it('reads all of a file, every byte', async () => {
  const path = join(temporaryDirectory(), 'long')
  const bytes = Buffer.alloc(200_001, 'é', 'latin1')
  writeFileSync(path, bytes)
  expect(await readProcFile(path)).toBe(bytes.toString('latin1'))
})

it('fails where there is none', async () => {
  await expect(readProcFile('/proc/self/none-such')).rejects.toThrow(/ENOENT/)
})

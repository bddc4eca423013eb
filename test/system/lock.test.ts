import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HostError } from '../../src/system/host-error.ts'
import { holdLock, isLocked } from '../../src/system/lock.ts'
import { temporaryDirectory } from '../tree.ts'

const REFUSAL = new HostError('another one is running', 'wait')

it('a lock is held until it is released, and nobody else gets it meanwhile', async () => {
  const path = join(temporaryDirectory(), 'lock')
  expect(await isLocked(path)).toBe(false)
  const lock = await holdLock(path, 0, REFUSAL)
  expect(await isLocked(path)).toBe(true)
  await expect(holdLock(path, 0, REFUSAL)).rejects.toBe(REFUSAL)
  await lock.release()
  expect(await isLocked(path)).toBe(false)
})

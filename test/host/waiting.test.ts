import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { tellWaitsTo, waitingFor } from '../../src/host/waiting.ts'

let told: string[]

beforeEach(() => {
  told = []
  vi.useFakeTimers()
  tellWaitsTo((text) => told.push(text))
})
afterEach(() => {
  tellWaitsTo(() => undefined)
  vi.useRealTimers()
})

const taking = (ms: number) => () => new Promise<string>((resolve) => setTimeout(resolve, ms, 'done'))

it.each([
  [4000, 90_000, []],
  [6000, 90_000, ['waiting for fail2ban to stop, up to 90 s']],
  [6000, 1_800_000, ['waiting for fail2ban to stop, up to 30 min']],
])('after %i ms of %i it has said %j', async (ms, limitMs, expected) => {
  const wait = waitingFor('fail2ban to stop', limitMs, taking(ms))
  await vi.advanceTimersByTimeAsync(ms)
  expect(await wait).toBe('done')
  expect(told).toEqual(expected)
})

it('says once what two wait for, and again when somebody waits for it again', async () => {
  const wait = () => waitingFor('fail2ban to answer', 60_000, taking(6000))
  const both = Promise.all([wait(), wait()])
  await vi.advanceTimersByTimeAsync(6000)
  await both
  expect(told).toHaveLength(1)
  const third = wait()
  await vi.advanceTimersByTimeAsync(6000)
  await third
  expect(told).toHaveLength(2)
})

it('says nothing after a failure', async () => {
  const failing = waitingFor('x', 60_000, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  await vi.advanceTimersByTimeAsync(6000)
  expect(told).toEqual([])
})

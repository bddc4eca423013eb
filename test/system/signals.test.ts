import { expect, test } from 'vitest'
import { handlingSignals } from '../../src/system/signals.ts'

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s is handled while the work is done, and ends nothing',
  async (signal) => {
    const before = process.listeners(signal)
    let arrive = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrive = resolve
    })
    await handlingSignals(arrive, async () => {
      process.kill(process.pid, signal)
      await arrival
    })
    expect(process.listeners(signal)).toEqual(before)
  },
)

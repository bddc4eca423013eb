import { expect, it } from 'vitest'
import { whomToLift } from '../../../src/host/generations/bans.ts'

const CONF = "BACKEND=nft\nALLOWED='127.0.0.0/8 ::1/128 192.168.1.0/24 2001:db8:1::/64'\nBANTIME=86400\n"

it.each<[what: string, as: Parameters<typeof whomToLift>[0], conf: string | null, lifted: readonly string[]]>(
  [
    [
      'an apply that failed takes no ban with it, but those of whom the configuration before protects',
      'undone',
      CONF,
      ['192.168.1.7', '2001:db8:1::7'],
    ],
    [
      'without a place before nobody had been banned',
      'undone',
      null,
      ['203.0.113.9', '192.168.1.7', '2001:db8:1::7'],
    ],
    ['a configuration that protects nobody', 'undone', 'BACKEND=nft\n', []],
    [
      'what is rolled back takes all of its bans with it',
      'rolled-back',
      CONF,
      ['203.0.113.9', '192.168.1.7', '2001:db8:1::7'],
    ],
  ],
)('%s', (_what, as, conf, lifted) => {
  const isLifted = whomToLift(as, conf)
  expect(['203.0.113.9', '192.168.1.7', '2001:db8:1::7'].filter(isLifted)).toEqual(lifted)
})

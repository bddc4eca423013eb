import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { butFrom, readParts } from '../../src/live-detection/capture.ts'
import { temporaryDirectory } from '../tree.ts'

it.each<
  [what: string, masters: Readonly<Record<string, string | null>>, addressed: string[], found: number[]]
>([
  ['one interface', { eth0: null }, ['eth0'], []],
  ['a bridge and its port', { br0: null, eth0: 'br0' }, ['br0'], [2]],
  ['a bond and its halves', { bond0: null, eth0: 'bond0', eth1: 'bond0' }, ['bond0'], [2, 3]],
  ['one of a VRF, which keeps its address', { vrf0: null, eth0: 'vrf0' }, ['eth0'], []],
  ['one without an address', { eth0: null, wg0: null }, ['eth0'], []],
])('%s', (_what, masters, addressed, found) => {
  const directory = temporaryDirectory()
  for (const [index, [name, master]] of Object.entries(masters).entries()) {
    mkdirSync(join(directory, name))
    writeFileSync(join(directory, name, 'ifindex'), `${index + 1}\n`)
    if (master !== null) mkdirSync(join(directory, name, 'master'))
  }
  expect(readParts(directory, addressed).sort()).toEqual(found)
})

it('leaves their frames out', () => {
  expect(butFrom([], 'udp or tcp')).toBe('(udp or tcp)')
  expect(butFrom([2, 3], 'udp or tcp')).toBe('not ifindex 2 and not ifindex 3 and (udp or tcp)')
})

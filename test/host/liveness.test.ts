import { expect, it } from 'vitest'
import { parseTable } from '../../src/host/liveness.ts'

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   4: 00000000:0001 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232889 1 00000000457c5864 100 0 0 10 0
   5: 0A01A8C0:0001 0A0200CB:C350 01 00000000:00000000 00:00000000 00000000     0        0 232990 1 00000000457c5864 100 0 0 10 0
`
const TCP6 =
  '   2: 00000000000000000000000000000000:0014 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 225473 1 00000000b78317cb 100 0 0 10 0\n'
const RAW = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   39: 00000000:0006 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 247739 2 000000001d52aed3 0
  151: 00000000:0011 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 248203 2 000000000e1f56a3 0
`
const PACKET = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000074acb538 3      3    0003   2     1 0      0      220491
0000000064c9b579 3      2    0800   0     1 0      0      220924
`

it.each([
  ['tcp', TCP, ['232889 1']],
  ['tcp', TCP6, ['225473 20']],
  ['raw', RAW, ['247739 6', '248203 17']],
  ['packet', PACKET, ['220491 2', '220924 0']],
  ['udp', '', []],
] as const)('/proc/net/%s', (table, text, expected) => {
  expect([...parseTable(table, text)].map(([inode, { number }]) => `${inode} ${number}`)).toEqual(expected)
})

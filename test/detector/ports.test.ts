import { describe, expect, it, test } from 'vitest'
import {
  type PortRule,
  parseAdvanced12,
  parseList12,
  parseRanges2,
  portsToOpen,
  type Reading,
  watchPorts,
} from '../../src/detector/ports.ts'

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

const watched = (rule: PortRule, reading: Reading, inUse: readonly number[] = []): number[] => {
  const ports = watchPorts(rule, reading, (port) => inUse.includes(port))
  return [...ports.keys()].filter((port) => ports[port] !== -1)
}

/** `port>told` where the daemon tells another port than the packet's. */
const told = (list: string, inUse: readonly number[]): string => {
  const ports = watchPorts(parseList12(list), 'connections', (port) => inUse.includes(port))
  return [...ports.keys()]
    .filter((port) => ports[port] !== -1)
    .map((port) => (ports[port] === port ? `${port}` : `${port}>${ports[port]}`))
    .join(' ')
}

describe('1.2, listed', () => {
  test.each<[string, number[], number[]]>([
    ['1,11,15', [], [1, 11, 15]],
    ['1,11,15', [11], [1, 15]],
    [',,1,,11,', [], [1, 11]],
    ['20-25', [], [20]],
    ['abc', [], [0]],
    [' 7, 9 ', [], [7, 9]],
    ['70000,-1', [], []],
    [range(1, 70).join(), [], range(1, 64)],
    ['', [], []],
  ])('%j with %j in use: %j', (list, inUse, ports) =>
    expect(watched(parseList12(list), 'raw', inUse)).toEqual(ports),
  )
})

describe('1.2, connections tell the port at the index among the bound sockets', () => {
  test.each<[string, number[], string]>([
    ['1,11,15,22,79', [22], '1 11 15 79>22'],
    ['1,11,15,22,79', [], '1 11 15 22 79'],
    ['1,11,15', [1], '11>1 15>11'],
    ['11,11,15', [], '11 15>11'],
    ['0,11', [], '11'],
    ['abc,11,15', [11], '15>11'],
    ['70000', [], '4464>70000'],
  ])('%s with %j in use: %s', (list, inUse, ports) => expect(told(list, inUse)).toBe(ports))
})

describe('1.2, advanced', () => {
  test.each<[string | undefined, string | undefined, number[], number[]]>([
    ['8', '3', [], [0, 1, 2, 4, 5, 6, 7]],
    ['8', undefined, [2], [0, 1, 3, 4, 5, 6, 7]],
    ['8', '3,70000,-1', [2], [0, 1, 4, 5, 6, 7]],
    [undefined, '5', [], [...range(0, 4), ...range(6, 1023)]],
    // With nothing in use and nothing excluded the loop that holds the limit never runs.
    ['8', undefined, [], range(0, 65_535)],
    ['8', '', [], range(0, 65_535)],
    ['x', undefined, [], range(0, 65_535)],
    ['x', '5', [], []],
    ['-1', '5', [], range(0, 65_535).filter((port) => port !== 5)],
    // What is in use beyond the limit is not asked for.
    ['8', undefined, [9], range(0, 65_535)],
  ])('below %j without %j, %j in use', (limit, exclude, inUse, ports) =>
    expect(watched(parseAdvanced12(limit, exclude), 'raw', inUse)).toEqual(ports),
  )

  it('has room for 64 ports in use and excluded', () => {
    const inUse = range(10, 69)
    const rule = parseAdvanced12('1024', '200,201,202,203,204,205')
    const ports = new Set(watched(rule, 'raw', inUse))
    expect(range(200, 205).filter((port) => ports.has(port))).toEqual([204, 205])
    expect(inUse.some((port) => ports.has(port))).toBe(false)
  })

  it('watches what is in use beyond the 64th, too', () =>
    expect(watched(parseAdvanced12('200', '150'), 'raw', range(0, 99))).toEqual(range(64, 199)))
})

describe('2.x', () => {
  test.each<[string, number[], number[]]>([
    ['11,15', [11, 15], [0, 11, 15]],
    ['20-23', range(20, 23), [0, ...range(20, 23)]],
    ['11, 12', [11, 12], [0, 11, 12]],
    ['11,12 ', [11], [0, 11]],
    ['5-5', [5], [0, 5]],
    ['5-3,x,0,0-5,65536,123456', [], [0]],
    ['65535', [65535], [0, 65535]],
    ['+7,-7', [7], [0, 7]],
    ['1-2-3', [], [0]],
    ['', [], []],
  ])('%j: pcap %j, raw %j', (list, pcap, raw) => {
    expect(watched(parseRanges2(list), 'pcap', [11])).toEqual(pcap)
    expect(watched(parseRanges2(list), 'raw', [11])).toEqual(raw)
  })

  it('leaves out what its connect mode could not bind', () =>
    expect(watched(parseRanges2('11-14'), 'connections', [12])).toEqual([11, 13, 14]))
})

test.each<[PortRule, number[]]>([
  [parseList12('79,11,79,0,70000'), [79, 11, 4464]],
  [parseRanges2('79,11-13,12'), [79, 11, 12, 13]],
  [parseAdvanced12('8', '1'), []],
])('opens each port once (%#)', (rule, ports) => expect(portsToOpen(rule)).toEqual(ports))

import { describe, expect, it } from 'vitest'
import { mergeGenerations, type Restoration } from '../../src/generations/merge.ts'
import type { FileRecord, Generation } from '../../src/generations/record.ts'

const hash = (letter: string) => letter.repeat(64)

const copied = (path: string, before: string, after: string | null): FileRecord => ({
  ...{ path, real: path, copy: '0', sha256: hash(before), grows: false },
  after: after === null ? null : { sha256: hash(after), size: 1 },
})

const made = (path: string, after: string): FileRecord => ({
  ...{ path, real: path, copy: null, directories: ['/etc/x'], grows: false },
  after: { sha256: hash(after), size: 1 },
})

const generation = (number: number, parts: Partial<Generation> = {}): Generation => ({
  ...{ version: 1, root: '/', number, state: 'applied', started: '2026-11-22T00:00:00.000Z', steps: [] },
  ...{
    files: [],
    services: { enabled: [], active: [], daemons: [] },
    releases: [],
    packages: [],
  },
  bans: { addresses: [], commands: [] },
  ...{ newPaths: [], confirmBy: null },
  ...parts,
})

describe('what several generations come to', () => {
  const files = ({ files: merged }: Restoration) =>
    merged.map((file) => [
      ...[file.path, file.copy === null ? 'absent' : file.sha256[0], file.number],
      file.after?.sha256[0] ?? 'absent',
    ])

  it.each<[string, [Generation, ...Generation[]], unknown[]]>([
    [
      'one: as it was, and as it was left',
      [generation(1, { files: [copied('/a', 'a', 'b')] })],
      [['/a', 'a', 1, 'b']],
    ],
    [
      'two of one file: as the earlier found it, as the later left it',
      [
        generation(2, { files: [copied('/a', 'b', 'c')] }),
        generation(1, { files: [copied('/a', 'a', 'b')] }),
      ],
      [['/a', 'a', 1, 'c']],
    ],
    [
      'made, then removed: absent before and after',
      [generation(2, { files: [copied('/a', 'b', null)] }), generation(1, { files: [made('/a', 'b')] })],
      [['/a', 'absent', 1, 'absent']],
    ],
    [
      'three, of which the middle one does not know the file',
      [
        generation(3, { files: [copied('/a', 'b', 'c')] }),
        generation(2, { files: [copied('/b', 'x', 'y')] }),
        generation(1, { files: [copied('/a', 'a', 'b')] }),
      ],
      [
        ['/a', 'a', 1, 'c'],
        ['/b', 'x', 2, 'y'],
      ],
    ],
    [
      'as many as there are: the last that was changed comes first',
      [
        generation(2, { files: [copied('/c', 'b', 'c')] }),
        generation(1, { files: [made('/a', 'a'), made('/b', 'b'), copied('/c', 'a', 'b')] }),
      ],
      [
        ['/c', 'a', 1, 'c'],
        ['/b', 'absent', 1, 'b'],
        ['/a', 'absent', 1, 'a'],
      ],
    ],
  ])('%s', (_, generations, expected) => {
    expect(files(mergeGenerations(generations))).toEqual(expected)
  })

  it('takes services from the earliest, packages and new paths from all', () => {
    const merged = mergeGenerations([
      generation(3, { packages: [{ name: 'tcpd', version: '1' }], newPaths: ['/etc/b'] }),
      generation(2, {
        packages: [
          { name: 'tcpd', version: '1' },
          { name: 'portsentry', version: '2' },
        ],
        newPaths: ['/etc/a', '/etc/b'],
        services: { enabled: ['fail2ban'], active: [['fail2ban', ['fail2ban']]], daemons: [] },
      }),
    ])
    expect(merged).toMatchObject({ packages: ['tcpd', 'portsentry'] })
    expect(merged.services.enabled).toEqual(['fail2ban'])
    expect(merged.newPaths).toEqual(['/etc/b', '/etc/a'])
  })
})

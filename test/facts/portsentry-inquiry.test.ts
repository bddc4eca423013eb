import { expect, it } from 'vitest'
import { type Answer, inquiryQuery, parseInquiry } from '../../src/facts/portsentry-inquiry.ts'

/** The daemon's answers as 2.0.7 of Debian testing gave them to the script of this query. */
const said = (word: string, ...lines: string[]): string => [`= ${word}`, ...lines, ''].join('\n')
const END = ['Portsentry 2.0.7 ()', 'Portsentry is shutting down', 'status 1']

it.each<[what: string, output: string, keys: [string, Answer][], options: [string, Answer][]]>([
  ['nothing', '', [], []],
  [
    'keys that it knows, and one that it does not',
    said('BLOCK_TCP="1"', 'Invalid config file entry at line 2', ...END) +
      said('NEW="1"', 'Invalid config file entry at line 1', ...END) +
      said('TCP_PORTS="1"', 'Invalid config file entry at line 2', ...END),
    [
      ['BLOCK_TCP', 'accepted'],
      ['NEW', 'refused'],
      ['TCP_PORTS', 'accepted'],
    ],
    [],
  ],
  [
    'a key that has another value',
    said('SCAN_TRIGGER="x"', 'Invalid config file entry for SCAN_TRIGGER', ...END),
    [['SCAN_TRIGGER', 'accepted']],
    [],
  ],
  [
    'a file that it could not open',
    said('HISTORY_FILE="1"', 'Unable to open history file for writing 1: Permission denied', ...END),
    [],
    [],
  ],
  ['one that did not end in time', said('BLOCK_TCP="1"', 'status 137'), [], []],
  ['line 12 is not line 1', said('BLOCK_TCP="1"', 'Invalid config file entry at line 12', ...END), [], []],
  [
    'options',
    said('--connect', 'Portsentry 2.0.7 ()', 'status 0') +
      said('--new', "/usr/sbin/portsentry: unrecognized option '--new'", 'status 1') +
      said('--odd', 'status 1'),
    [],
    [
      ['--connect', 'accepted'],
      ['--new', 'refused'],
    ],
  ],
])('%s', (_, output, keys, options) => {
  expect(parseInquiry(output)).toEqual({ keys: new Map(keys), options: new Map(options) })
})

it('asks as a user who cannot write anything', () => {
  const { commands } = inquiryQuery('/usr/sbin/portsentry', ['BLOCK_TCP="1"'], ['--connect'])
  const [{ program, args } = { program: '', args: [] }] = commands
  const isRoot = process.getuid?.() === 0
  expect(program).toBe(isRoot ? 'setpriv' : 'sh')
  expect(args.includes('--reuid=65534')).toBe(isRoot)
  expect(args.slice(-3)).toEqual(['/usr/sbin/portsentry', 'BLOCK_TCP="1"', '--connect'])
})

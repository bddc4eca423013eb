import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { HostError } from '../../src/system/host-error.ts'
import { findOtherCreator, findOtherOwnerAbove, resolveInRoot } from '../../src/system/paths.ts'

const NOBODY = 65534

const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('SKIPPED: not root, so that no link can be given to somebody else')

/** Somewhere that root alone writes, unlike /tmp. */
const privateDirectory = (): string => {
  const directory = mkdtempSync('/run/portward-test-')
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

type Make = (at: (name: string) => string) => void

const nothing: Make = () => {}

/** `etc/link` -> `real/file`, changed by `make`; what is resolved is `etc/link`. */
const resolve = async (make: Make, asked = 'etc/link'): Promise<string> => {
  const directory = privateDirectory()
  const at = (name: string) => join(directory, name)
  mkdirSync(at('etc'))
  mkdirSync(at('real'))
  writeFileSync(at('real/file'), '')
  symlinkSync('../real/file', at('etc/link'))
  symlinkSync('real', at('way'))
  make(at)
  try {
    return (await resolveInRoot('/', at(asked))).replace(directory, '')
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return `${error.message} — ${error.hint}`.replaceAll(directory, '')
  }
}

const refused = (link: string, which: string, who: string, fix: string, asked = '/etc/link') =>
  `${asked} leads through the symbolic link ${link}${which} ${who}: root does not follow it — put the file itself there, or ${fix}`

const CASES: [string, Make, string, string?][] = [
  ['a link of root', nothing, '/real/file'],
  ['a directory by a link of root', nothing, '/real/file', 'way/file'],
  [
    'a link of somebody else',
    (at) => lchownSync(at('etc/link'), NOBODY, NOBODY),
    refused('/etc/link', ', which', 'belongs to user 65534', 'chown -h root /etc/link'),
  ],
  [
    'a link to a directory, of somebody else',
    (at) => lchownSync(at('way'), NOBODY, NOBODY),
    refused('/way', ', which', 'belongs to user 65534', 'chown -h root /way', '/way/file'),
    'way/file',
  ],
  [
    'a link in a directory of somebody else',
    (at) => chownSync(at('etc'), NOBODY, 0),
    refused('/etc/link', ', and /etc', 'belongs to user 65534', 'chown -h root /etc'),
  ],
  [
    'a link in a directory that all may write',
    (at) => chmodSync(at('etc'), 0o1777),
    refused(
      '/etc/link',
      ', and /etc',
      'can be changed by users other than root (mode 1777)',
      'chmod go-w /etc',
    ),
  ],
  [
    'a link in a directory that a group may write',
    (at) => chmodSync(at('etc'), 0o2775),
    refused(
      '/etc/link',
      ', and /etc',
      'can be changed by users other than root (mode 2775)',
      'chmod go-w /etc',
    ),
  ],
  [
    'a link further down in a directory of somebody else',
    (at) => {
      mkdirSync(at('home/sub'), { recursive: true })
      symlinkSync('../../real/file', at('home/sub/link'))
      chownSync(at('home'), NOBODY, NOBODY)
    },
    refused(
      '/home/sub/link',
      ', and /home',
      'belongs to user 65534',
      'chown -h root /home',
      '/home/sub/link',
    ),
    'home/sub/link',
  ],
  [
    'a second link, of somebody else, behind one of root',
    (at) => {
      symlinkSync('etc/link', at('first'))
      lchownSync(at('etc/link'), NOBODY, NOBODY)
    },
    refused('/etc/link', ', which', 'belongs to user 65534', 'chown -h root /etc/link', '/first'),
    'first',
  ],
  [
    'a file of somebody else behind a link of root',
    (at) => chownSync(at('real/file'), NOBODY, 0),
    '/real/file',
  ],
  ['a link that leads nowhere', (at) => symlinkSync('nowhere', at('etc/lost')), '/etc/nowhere', 'etc/lost'],
]

it.skipIf(!isRoot).each(CASES)('root on the live system and %s', async (_, make, expected, asked) => {
  expect(await resolve(make, asked)).toBe(expected)
})

it.skipIf(!isRoot)(
  'follows the links of a tree, whoever they belong to: they lead nowhere else',
  async () => {
    const root = privateDirectory()
    writeFileSync(join(root, 'file'), '')
    symlinkSync('/file', join(root, 'link'))
    lchownSync(join(root, 'link'), NOBODY, NOBODY)
    expect(await resolveInRoot(root, '/link')).toBe(join(root, 'file'))
  },
)

const ABOVE: [string, Make, string | null][] = [
  ['directories of root', nothing, null],
  [
    'a directory of somebody else',
    (at) => chownSync(at('real'), NOBODY, NOBODY),
    '/real belongs to user 65534',
  ],
  [
    'one that all may write to',
    (at) => chmodSync(at('real'), 0o777),
    '/real can be changed by users other than root (mode 777)',
  ],
  ['one where each may write to what is theirs', (at) => chmodSync(at('real'), 0o1777), null],
  ['one of somebody else further up', (at) => chownSync(at('.'), NOBODY, NOBODY), ' belongs to user 65534'],
]

it.runIf(isRoot).each(ABOVE)('knows who could replace a file in %s', async (_, make, expected) => {
  const directory = privateDirectory()
  const at = (name: string) => join(directory, name)
  mkdirSync(at('real'))
  make(at)
  const master = await findOtherOwnerAbove(at('real/file'))
  expect(master?.who.replace(directory, '') ?? null).toBe(expected)
})

it.runIf(isRoot).each<[string, number, RegExp | null]>([
  ['a directory of root alone', 0o755, null],
  ['one that a group writes to', 0o775, /\/real can be changed by users other than root \(mode 775\)$/],
  ['a sticky one, in which the file may not be there yet', 0o1777, /\/real can be changed by users other/],
])('says who could make a file in %s', async (_, mode, expected) => {
  const directory = privateDirectory()
  mkdirSync(join(directory, 'real'))
  chmodSync(join(directory, 'real'), mode)
  // What is missing on the way is root's to make.
  for (const path of ['real/file', 'real/missing/file']) {
    const maker = await findOtherCreator(join(directory, path))
    if (expected === null) expect(maker).toBeNull()
    else expect(maker).toMatch(expected)
  }
})

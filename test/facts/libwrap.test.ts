import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { readWrapped } from '../../src/facts/libwrap.ts'
import { readInstalled } from '../../src/facts/packages.ts'
import { temporaryDirectory } from '../tree.ts'

const status = (name: string) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\n`

const STATUS = '/var/lib/dpkg/status'

it.each<[string, Record<string, string>, string[] | null]>([
  ['a copy of /etc', { '/etc/hosts.allow': '' }, null],
  ["one with dpkg's status, which has sshd", { [STATUS]: status('openssh-server') }, null],
  ["one with dpkg's status, and nobody who could ask", { [STATUS]: status('fail2ban') }, []],
  [
    'an image with an sshd that asks',
    { [STATUS]: status('openssh-server'), '/usr/sbin/sshd': 'ELF libwrap.so.0' },
    ['sshd'],
  ],
  [
    'an image with an sshd that does not',
    { [STATUS]: status('openssh-server'), '/usr/sbin/sshd': 'ELF libc.so.6' },
    [],
  ],
])('which daemons of a tree ask hosts.allow: %s', async (_, files, expected) => {
  const root = temporaryDirectory()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  expect(await readWrapped(root, await readInstalled(root))).toEqual(expected)
})

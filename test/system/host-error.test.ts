import { expect, it } from 'vitest'
import { failedTo } from '../../src/system/host-error.ts'

it.each([
  ['EACCES', 'run portward as root'],
  ['ENOSPC', 'free some space on the file system'],
  // Root has met these as well.
  ['EIO', 'see the system log'],
  ['EISDIR', 'see what is there'],
])('says what helps against %s', (code, hint) => {
  const error = Object.assign(new Error('from the system'), { code })
  expect(failedTo('read', '/etc/x', error)).toMatchObject({
    message: `cannot read /etc/x: ${code}`,
    hint,
    cause: error,
  })
})

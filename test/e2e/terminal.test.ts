import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkout } from '../checkout.ts'
import { copyOf, fixtures } from '../tree.ts'
import { describeServers } from './harness/requirements.ts'
import { openTmux } from './harness/tmux.ts'

const PORTWARD = join(checkout, 'bin/portward')

describeServers('in a terminal', () => {
  test.each([80, 200])(
    'plan goes through the pager at %d columns, and stays on the screen without',
    async (columns) => {
      const root = copyOf(join(fixtures, 'sample-server'))
      const env = { PAGER: 'cat; echo paged' }
      const paged = await openTmux([PORTWARD, 'plan', '--root', root], { columns, env })
      expect(await paged.ended()).toBe(2)
      expect(await paged.everything()).toMatch(/\npaged$/)
      const direct = await openTmux([PORTWARD, 'plan', '--no-pager', '--root', root], { columns, env })
      expect(await direct.ended()).toBe(2)
      expect(await direct.everything()).not.toContain('paged')
      expect(await direct.colored()).toContain('\u001b[32m')
    },
  )
})

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

  test.each([80, 200])(
    'apply shows the plan and repeats its summary in the question, at %d columns',
    async (columns) => {
      const root = copyOf(join(fixtures, 'sample-server'))
      const terminal = await openTmux([PORTWARD, 'apply', '--diff', 'none', '--root', root], { columns })
      const shown = await terminal.shows('Apply these changes')
      expect(shown).toMatch(/^fail2ban +new jail portsentry, bans for 7 days \(BANTIME\)$/m)
      expect(shown).toMatch(/^~ \/etc\/hosts\.allow +edited, \+7 lines$/m)
      expect(shown).toMatch(/^\? 17 changes: 12 new files, 5 edited\.$/m)
      for (const line of (await terminal.screen()).split('\n'))
        expect(line.length).toBeLessThanOrEqual(columns)
      await terminal.press('n', 'Enter')
      expect(await terminal.ended()).toBe(1)
      expect(await terminal.everything()).toMatch(/nothing was changed$/)
    },
  )
})

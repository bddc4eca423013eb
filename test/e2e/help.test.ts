import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { COMMAND_TEXTS } from '../../src/commands/help/texts.ts'
import { checkout } from '../checkout.ts'
import { copyOf, fixtures } from '../tree.ts'
import { describeServers } from './harness/requirements.ts'
import { openTmux } from './harness/tmux.ts'

const PORTWARD = join(checkout, 'bin/portward')

describeServers('in a terminal', () => {
  describe.each([80, 200])('of %d columns', (columns) => {
    const open = (argv: readonly string[], env = {}) => openTmux([PORTWARD, ...argv], { columns, env })

    it('the help of every command is on one screen, in colour', async () => {
      for (const command of Object.keys(COMMAND_TEXTS)) {
        const terminal = await open([command, '--help'])
        expect(await terminal.ended()).toBe(0)
        const screen = await terminal.screen()
        expect(screen).toMatch(/^Usage: portward /)
        expect(screen).toMatch(/^Global options: portward --help$/m)
        expect(await terminal.colored()).toContain('\u001b[1mUsage:')
      }
    })

    it('that of portward goes through the pager', async () => {
      const terminal = await open(['--help'], { PAGER: 'less' })
      await terminal.shows('Usage: portward [options] <command>')
      expect(await terminal.screen()).not.toContain('/var/lib/portward')
      await terminal.press('G')
      await terminal.shows('/var/lib/portward')
      await terminal.press('q')
      expect(await terminal.ended()).toBe(0)
    })

    it('a problem is printed with its code, which is explained', async () => {
      const root = copyOf(join(fixtures, 'sample-server'))
      writeFileSync(join(root, 'root/config.env'), 'LAN_IP=banana\nLAN_NM=24\n')
      const plan = await open(['plan', '--root', root], { NO_COLOR: '1' })
      expect(await plan.ended()).toBe(78)
      const [, code = ''] = /^portward explain-problem (\S+) says more$/m.exec(await plan.everything()) ?? []
      const explained = await open(['explain-problem', code])
      expect(await explained.ended()).toBe(0)
      expect(await explained.screen()).toMatch(new RegExp(`^${code}: [^]*What to do: `))
      expect(await plan.colored()).not.toContain('\u001b[')
    })

    test('a word that is not a command leads on', async () => {
      const terminal = await open(['undo'], { LC_ALL: 'C' })
      expect(await terminal.ended()).toBe(64)
      expect(await terminal.everything()).toMatch(
        /^portward: unknown command 'undo' - portward rollback restores/,
      )
    })
  })
})

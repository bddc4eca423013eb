import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkout } from '../checkout.ts'
import { copyOf, fixtures } from '../tree.ts'
import { describeServers } from './harness/requirements.ts'
import { openTmux } from './harness/tmux.ts'

const PORTWARD = join(checkout, 'bin/portward')
const CONFIG = 'root/config.env'

/** A tree without config.env. */
const emptyTree = (): string => {
  const root = copyOf(join(fixtures, 'sample-server'))
  rmSync(join(root, CONFIG))
  return root
}

// On a server: lockout.test.ts.
describeServers('init on a tree, in a terminal', () => {
  test.each([80, 200])('asks and writes at %d columns', async (columns) => {
    const root = emptyTree()
    const tmux = await openTmux([PORTWARD, 'init', '--root', root], { columns })
    await tmux.shows('Which network is the LAN')
    expect(await tmux.screen()).toContain('> another one')
    await tmux.press('Down')
    await tmux.shows('> none')
    await tmux.press('Up', 'Enter')
    await tmux.shows('with the prefix, such as 192.168.1.10/24:')
    await tmux.press('192.168.1.10', 'Enter')
    await tmux.shows(/is "192\.168\.1\.10": give this server's IPv4 address/)
    await tmux.press('/24', 'Enter')
    await tmux.shows('hosts that are never banned, such as')
    await tmux.press('198.51.100.7', 'Enter')
    const shown = await tmux.shows(/Write .*config\.env\? \(Y\/n\)/)
    expect(shown).toMatch(
      /\nLAN_IP=192\.168\.1\.10\nLAN_NM=255\.255\.255\.0\n.*\nWHITELIST=198\.51\.100\.7\n.*\nportward plan would show /s,
    )
    expect(await tmux.colored()).toContain('\u001b[32m')
    await tmux.press('Enter')
    expect(await tmux.ended()).toBe(0)
    expect(await tmux.everything()).toMatch(
      /\nwritten: \S+\/root\/config\.env\nnext: portward plan --root \S+\s+\(shows what\s+would\s+change\),\s+then\s+portward\s+apply\s+--root\s+\S+$/,
    )
    expect(readFileSync(join(root, CONFIG), 'utf8')).toContain('\nWHITELIST=198.51.100.7\n')
  })

  test('without colours and UTF-8', async () => {
    const env = { NO_COLOR: '1', LANG: '', LC_ALL: 'C' }
    const tmux = await openTmux([PORTWARD, 'init', '--root', emptyTree()], { columns: 80, env })
    await tmux.shows('Which network is the LAN')
    await tmux.press('Down', 'Enter')
    await tmux.shows('hosts that are never banned, such as')
    await tmux.press('C-d')
    expect(await tmux.ended()).toBe(1)
    expect(await tmux.everything()).toMatch(/\nnothing was written$/)
    expect(await tmux.colored()).toMatch(/^[ -~\n]*$/)
  })
})

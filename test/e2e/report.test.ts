import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { scannedServer } from '../report/tree.ts'
import { describeServers } from './harness/requirements.ts'
import { openTmux } from './harness/tmux.ts'

const PORTWARD = join(checkout, 'bin/portward')

describeServers('the report in a terminal', () => {
  describe.each([80, 200])('of %d columns', (columns) => {
    const open = (env: Readonly<Record<string, string>>, ...options: string[]) =>
      openTmux([PORTWARD, 'report', '--root', scannedServer(), ...options], { columns, env, rows: 60 })

    it('has charts as broad as it is, in colour', async () => {
      const terminal = await open({})
      expect(await terminal.ended()).toBe(0)
      const lines = (await terminal.screen()).split('\n')
      const widest = Math.max(...lines.map((line) => [...line].length))
      expect([widest <= columns, widest > columns * 0.9]).toEqual([true, true])
      expect(lines).toContainEqual(expect.stringMatching(/^ {2}23\/tcp telnet +█+ +1\b/))
      expect(lines).toContainEqual(expect.stringMatching(/^Scans per day *(?:Bans per day)?$/))
      expect(await terminal.colored()).toMatch(/\u001b\[36m█/)
    })

    it('is ASCII in the locale C, and without colours where these are not wanted', async () => {
      const terminal = await open({ LC_ALL: 'C', NO_COLOR: '1' })
      expect(await terminal.ended()).toBe(0)
      expect(await terminal.colored()).toMatch(/^[\n -~]*$/)
      expect(await terminal.screen()).toMatch(/^ {2}23\/tcp telnet +#+ +1\b/m)
    })

    it('goes through the pager where it is longer than the screen', async () => {
      const paged = await openTmux([PORTWARD, 'report', '--root', scannedServer()], {
        columns,
        env: { PAGER: 'less' },
        rows: 12,
      })
      await paged.shows('Scans per day')
      expect(await paged.screen()).not.toContain('A scan is all that one host does')
      await paged.press('G')
      await paged.shows('A scan is all that one host does')
      await paged.press('q')
      expect(await paged.ended()).toBe(0)
    })
  })

  it('as a page is a file for its owner alone', async () => {
    const root = scannedServer()
    const path = join(root, 'report.html')
    const terminal = await openTmux([PORTWARD, 'report', '--root', root, '--html', path], { columns: 200 })
    expect(await terminal.ended()).toBe(0)
    expect(await terminal.screen()).toBe(`the report is in ${path}`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toContain('<svg')
  })
})

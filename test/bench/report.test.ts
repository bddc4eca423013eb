import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { checkout } from '../checkout.ts'
import { quote } from '../e2e/harness/shell.ts'
import { fixtures } from '../tree.ts'
import { compare, roundsOr } from './compare.ts'

const PART = 'A report of a history of 1,000,000 lines'
const LINES = 1_000_000
const PORTWARD = join(checkout, 'bin/portward')

/** Counts lines and hosts by day and by port, with a table of all hosts. */
const AWK =
  '{ sub(".*/", "", $6); days[int($1 / 86400)]++; if (!($6 in hosts)) { hosts[$6] = 1; count++ }; if (!(($6, $8) in pairs)) { pairs[$6, $8] = 1; ports[$8]++ } } END { print count; for (day in days) print day, days[day]; for (port in ports) print port, ports[port] }'

const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'))
afterAll(() => rmSync(directory, { recursive: true }))

const lineOf = (timeS: number, host: string, port: number): string =>
  `${timeS} - 11/21/2026 19:16:32 Host: ${host}/${host} Port: ${port} TCP Blocked\n`

test.each([
  ['1,000', 1000],
  ['1,000,000', LINES],
])('%s hosts', { timeout: 3_600_000 }, async (name, hosts) => {
  const root = join(directory, name)
  const history = join(root, 'var/lib/portsentry/portsentry.history')
  cpSync(join(fixtures, 'sample-server'), root, { recursive: true })
  mkdirSync(join(root, 'var/lib/portsentry'), { recursive: true })
  const begin = Math.floor(Date.now() / 1000) - 20 * 86_400
  const hostOf = (index: number) =>
    `11.${(index % hosts) >> 16}.${((index % hosts) >> 8) & 255}.${(index % hosts) & 255}`
  writeFileSync(
    history,
    Array.from({ length: LINES }, (_, index) =>
      lineOf(begin + index, hostOf(index), (index % 1000) + 1),
    ).join(''),
  )
  const command = `${quote(PORTWARD)} --root ${quote(root)} report`
  await compare({
    ...{ part: PART, work: `report, ${name} hosts`, rounds: roundsOr(3) },
    own: { run: command },
    peers: [
      {
        name: 'awk counts by day and port',
        run: `LC_ALL=C awk ${quote(AWK)} ${quote(history)}`,
        marks: { time: {}, processor: {}, memory: {} },
      },
      { name: 'node -e 0', run: 'node -e 0', marks: { memory: { difference: 150 } } },
    ],
    remark:
      'awk keeps every host and every pair of a host and a port; it reads no other file, and draws nothing',
  })
  await compare({
    ...{ part: PART, work: `report --html, ${name} hosts`, rounds: roundsOr(3) },
    own: { run: `${command} --quiet --html ${quote(join(directory, 'report.html'))}` },
    peers: [
      {
        name: 'the report as text',
        run: command,
        marks: { time: { ratio: 1.3 }, memory: { difference: 60 } },
      },
    ],
  })
})

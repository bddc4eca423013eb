import { expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { setValue } from '../../src/documents/fail2ban-edit.ts'
import { getValue, parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { getKey, parsePortsentryConf, setKey } from '../../src/documents/portsentry-conf.ts'
import { findAssignment, getVariable, parseShellAssignments } from '../../src/documents/shell-assignments.ts'
import { parseSettings, type Settings } from '../../src/settings/settings.ts'
import { VARIABLE_NAMES } from '../../src/settings/variables.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'
import { SEED } from './random.ts'
import { forTexts, type Material } from './texts.ts'

const COUNT = 700_000

const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'

const values = [
  ...['1', '0', '2', "''", '""', '24', '/24', '255.255.255.0', '10.0.0.0/8', '2001:db8::/32', "'10.0.0.1 fd00::1'"],
  ...['atcp', '"stcp"', 'audp', "'1,7,111'", '1-9', '10m', '"1 day"', '-1', '1d12h', 'nftables-allports', 'iptables', 'none'],
  ...["'/bin/ban $TARGET$'", '"/bin/ban \\$TARGET\\$"', "'/sbin/route add -host $TARGET$ reject'", "'it is # not'", 'a#b', "'%d %(x)s'"],
  ...['${LAN_IP}', '"${LAN_IP}/24"', '${A}', '"${A} ${B}"', '$A', '$(id)', '`id`', '"a\\nb"', "'a", '"a', 'a b', 'a\\ b', "a'b'"],
  ...['/var/log/x', '/var/lib/portsentry/h', '~/x', 'x\xe9', "'x\ty'", '# none', ' 1', '1 # one', '"a', "b'", "'a\nb'", '"a\nTCP_MODE=tcp\n"'],
] // biome-ignore format: a table

const names = [
  ...VARIABLE_NAMES,
  'A',
  'B',
  'LAN_IF',
  'Whitelist',
  'WHITE_LIST',
  'LAN_IP ',
  'BLOCK-TCP',
  '1X',
  'x.y',
]
const prefixes = ['', '', '', '', 'export ', ' ', '#', 'local ', 'A=1 ']
const assignments = prefixes.flatMap((prefix, at) =>
  names.flatMap((name, index) =>
    values.filter((_, value) => (index + value + at) % 9 === 0).map((value) => `${prefix}${name}=${value}`),
  ),
)

const MATERIAL: Material = {
  files: [
    LAN,
    `# my server\n${LAN}WHITELIST=198.51.100.7,2001:db8::/32\nTCP_MODE=stcp\nUDP_MODE=\nTCP_PORTS=1,7,111\n`,
    `A=10.0.0\nB='x y'\n${LAN}WHITELIST="\${A}.0/24"\nexport BANTIME=2d\nMAXRETRY=3 # tries\nPORT_BANNER='go away'\n`,
    `${LAN}KILL_ROUTE='/usr/local/sbin/ban $TARGET$ $PORT$'\nKILL_RUN_CMD="/bin/true"\nBLOCK_TCP=2\nRESOLVE_HOST=0\n`,
    'if [ -r /etc/x ]; then . /etc/x; fi\nOTHER=$(hostname)\nexport LAN_IP=192.168.1.10 LAN_NM=24\n',
    `${LAN}BAN_BACKEND=nft\nBAN_TARGET=DROP\nBANACTION='nftables-allports[blocktype=drop]'\nOBSERVE_ONLY=0\n`,
  ],
  lines: [...assignments, 'LAN_IP=192.168.1.10', 'LAN_NM=24', '', '# x', 'export LAN_IP', 'echo x', 'exit', 'EOF', 'fi', '}'],
  pieces: ['LAN_IP=', 'LAN_NM=', 'WHITELIST=', 'TCP_MODE=', '192.168.1.10', '24', '${A}', 'export ', '<<EOF', 'A=', "='", '="'],
} // biome-ignore format: a table

/** What each consumer would read of these settings once they are written, by our own readers. */
const checkConsumers = ({
  portsentryKeys,
  killRoute,
  bantime,
  findtime,
  maxretry,
  banaction,
}: Settings): void => {
  const keys = [...portsentryKeys, ...(killRoute === undefined ? [] : [['KILL_ROUTE', killRoute] as const])]
  for (const [key, value] of keys) {
    for (const dialect of ['1.2', '2.x'] as const) {
      // 2.x has no such key, or no such value.
      if (dialect === '2.x' && (value === '' || key.startsWith('ADVANCED_'))) continue
      const written = applyEdits('', setKey(parsePortsentryConf('', dialect), key, value))
      if (getKey(parsePortsentryConf(written, dialect), key) !== value)
        throw new Error(`${dialect}: ${written}`)
    }
  }
  const jail = Object.entries({
    bantime,
    findtime,
    maxretry,
    ...(banaction === undefined ? {} : { banaction }),
  })
  for (const [option, value] of jail) {
    const written = applyEdits('', setValue(parseFail2banIni(''), 'portsentry', option, value))
    if (getValue(parseFail2banIni(written), 'portsentry', option) !== value) throw new Error(written)
  }
}

it(`takes or refuses ${COUNT} texts as config.env, and means what a shell would`, {
  timeout: 600_000,
}, () => {
  console.info(`seed ${SEED}: ${COUNT} texts as config.env`)
  const samples: { text: string; settings: Settings }[] = []
  let taken = 0
  forTexts(SEED, COUNT, MATERIAL, (text) => {
    const { settings, problems } = parseSettings(text, {}, 'config.env')
    if ((settings === null) !== problems.some(({ severity }) => severity === 'error'))
      throw new Error(`settings ${settings === null ? 'missing' : 'given'} with ${JSON.stringify(problems)}`)
    if (settings === null) return
    taken += 1
    if (taken % 40 === 0 && samples.length < 1500) samples.push({ text, settings })
    checkConsumers(settings)
    const shell = parseShellAssignments(text)
    for (const [name, value] of settings.portsentryKeys) {
      const read = settings.places.has(name) ? getVariable(shell, name) : undefined
      if (read !== undefined && read !== value) throw new Error(`${name}: ${value}, to a shell ${read}`)
    }
  })
  console.info(`taken: ${taken}; ${samples.length} of them read by sh`)
  expect(taken).toBeGreaterThan(COUNT / 20)
  expect(samples.length).toBeGreaterThan(500)

  // What stands beside the variables, a shell may refuse or run: those files are none of the sample's business.
  const plain = samples.filter(({ text }) => !parseShellAssignments(text).broken)
  const read = sourcedByShell(
    plain.map(({ text }) => text),
    [...VARIABLE_NAMES],
  )
  expect(plain.length).toBeGreaterThan(300)
  let checked = 0
  for (const [index, { text, settings }] of plain.entries()) {
    for (const [name, value] of settings.portsentryKeys) {
      // What a foreign command, or a condition, may have changed is left aside.
      const isSure = findAssignment(parseShellAssignments(text), name)?.conditional === false
      if (!settings.places.has(name) || !isSure) continue
      checked += 1
      expect({ text, name, value: read[index]?.get(name) }).toEqual({ text, name, value })
    }
  }
  expect(checked).toBeGreaterThan(300)
})

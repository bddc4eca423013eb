import fc from 'fast-check'
import { VARIABLE_NAMES } from '../../src/settings/variables.ts'
import { LAN } from '../plan/live.ts'

/** What files of one format are made of. Bytes are latin1-decoded, as the readers get them. */
interface Material {
  /** Small files as they should be. */
  readonly files: readonly string[]
  /** Lines of the format, right and nearly right, without their ends. */
  readonly lines: readonly string[]
  /** What is nasty in this format in particular. */
  readonly pieces: readonly string[]
}

/** What is nasty everywhere. */
const NASTY = fc.constantFrom(
  ...['"', "'", '\\', '$', '%', '`', '#', ';', '=', ':', '[', ']', '{', '}', '(', ')', '&', '|', '<', '>', '*', '~'],
  ...['\0', '\x01', '\x1b', '\x7f', '\xff', '\xa0', '\x85', '\xc3\xa9', '\xc2\xa0', '\xe2\x80\xa8', '\xef\xbb\xbf', '\xf0\x9f\x98\x80'],
  ...['\n', '\r', '\r\n', '\n\n', '\t', ' ', '  ', '\v', '\f', '\\\n', '\\\r\n', '""', "''", '${', '$(', '%(', '%%', '$TARGET$'],
  ...['-', ',', '/', '0', '1', '9'.repeat(12), 'x'.repeat(70), ' '.repeat(70), '"'.repeat(9), '\\'.repeat(9)],
) // biome-ignore format: a table

/** Longer than any buffer of the daemons and of libwrap. */
const LONG = fc.constantFrom('x', ' ', ',1', '\\\n').map((unit) => unit.repeat(2100))

type Edit = (text: string) => string

const OFFSET = fc.nat({ max: 2 ** 20 })
const NOTHING = fc.constant('')
const COUNT = fc.integer({ min: 1, max: 30 })

/** Edits anywhere in a text. */
const anywhere = <T>(
  argument: fc.Arbitrary<T>,
  edit: (before: string, after: string, argument: T) => string,
): fc.Arbitrary<Edit> =>
  fc.tuple(OFFSET, argument).map(([offset, value]) => (text) => {
    const at = offset % (text.length + 1)
    return edit(text.slice(0, at), text.slice(at), value)
  })

/** Edits to one of the lines of a text. */
const toLine = (
  argument: fc.Arbitrary<string>,
  edit: (line: string, argument: string) => string,
): fc.Arbitrary<Edit> =>
  fc.tuple(OFFSET, argument).map(([offset, value]) => (text) => {
    const lines = text.split('\n')
    const at = offset % lines.length
    return lines.with(at, edit(lines[at] ?? '', value)).join('\n')
  })

const editOf = (line: fc.Arbitrary<string>, piece: fc.Arbitrary<string>): fc.Arbitrary<Edit> => {
  const usual = [
    anywhere(NOTHING, (before) => before),
    anywhere(fc.integer({ min: 1, max: 4 }), (before, after, count) => before + after.slice(count)),
    anywhere(
      fc.nat({ max: 255 }),
      (before, after, code) => before + String.fromCharCode(code) + after.slice(1),
    ),
    anywhere(NASTY, (before, after, nasty) => before + nasty + after),
    anywhere(NASTY, (before, after, nasty) => before + nasty + after.slice(1)),
    anywhere(piece, (before, after, inserted) => before + inserted + after),
    anywhere(COUNT, (before, after, count) => before + after.slice(0, count) + after),
    toLine(line, (_, other) => other),
    toLine(line, (old, other) => `${other}\n${old}`),
    toLine(NOTHING, (old) => `${old}\n${old}`),
    toLine(fc.constantFrom(' ', '\t', '#', '# ', '\\'), (old, start) => start + old),
    toLine(fc.constantFrom(' ', '\t', '\r', '\\', ' # x', ';x', '"', "'"), (old, end) => old + end),
    line.map(
      (last): Edit =>
        (text) =>
          text + last,
    ),
    fc.constant<Edit>((text) => text.replaceAll('\n', '\r\n')),
  ]
  const long = anywhere(LONG, (before, after, inserted) => before + inserted + after)
  return fc.oneof({ weight: 20, arbitrary: fc.oneof(...usual) }, { weight: 1, arbitrary: long })
}

const joined = (part: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(part, { minLength: 1, maxLength, size: 'max' }).map((parts) => parts.join(''))

/**
 * What is left of a text without a part of it: without all of it, each half, each quarter and so on, down to
 * single characters, or in a long text to a hundredth: a consumer may have to be asked about each.
 */
function* shorter(text: string): Generator<fc.Value<string>> {
  const least = Math.max(1, Math.floor(text.length / 100))
  for (let length = text.length; length >= least; length = Math.floor(length / 2))
    for (let at = 0; at < text.length; at += length)
      yield new fc.Value(text.slice(0, at) + text.slice(at + length), undefined)
}

/** Shrinks a text by leaving out parts, however it was made. */
class Text extends fc.Arbitrary<string> {
  readonly #source: fc.Arbitrary<string>
  constructor(source: fc.Arbitrary<string>) {
    super()
    this.#source = source
  }
  override generate(random: fc.Random): fc.Value<string> {
    return new fc.Value(this.#source.generate(random, undefined).value, undefined)
  }
  override canShrinkWithoutContext(value: unknown): value is string {
    return typeof value === 'string'
  }
  override shrink(text: string): fc.Stream<fc.Value<string>> {
    return fc.stream(shorter(text))
  }
}

/** A text: half of the time a good one that was changed, else lines of the format, else whatever is nasty. */
const textOf = ({ files, lines, pieces }: Material): fc.Arbitrary<string> => {
  const [file, line, piece] = [
    fc.constantFrom(...files),
    fc.constantFrom(...lines),
    fc.constantFrom(...pieces),
  ]
  const edits = fc.array(editOf(line, piece), { minLength: 1, maxLength: 4, size: 'max' })
  const end = fc.constantFrom('\n', '\n', '\n', '\n', '\n', '\n', '\r\n', '', ' \n', '\n\n')
  const whole = fc.tuple(line, end).map((parts) => parts.join(''))
  const edited = fc.tuple(file, edits).map(([text, all]) => all.reduce((now, edit) => edit(now), text))
  const composed = fc.tuple(fc.oneof(NOTHING, file), joined(whole, 5)).map((parts) => parts.join(''))
  return new Text(
    fc.oneof(
      { weight: 4, arbitrary: edited },
      { weight: 3, arbitrary: composed },
      { weight: 1, arbitrary: joined(fc.oneof(NASTY, piece), 12) },
    ),
  )
}

/** Up to so many at once, for a program that is started once for all of them. */
export const batchOf = <T>(one: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.noBias(fc.array(one, { minLength: 1, maxLength, size: 'max' }))

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

/** config.env. */
export const CONFIG_ENV = textOf({
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
}) // biome-ignore format: a table

/** /etc/default/portsentry. */
export const MODES = textOf({
  files: [
    '# modes\nTCP_MODE="tcp"\nUDP_MODE="udp"\n',
    "TCP_MODE=stcp; UDP_MODE='sudp'\nexport TCP_MODE\n",
    '#TCP_MODE="atcp"\n#UDP_MODE="audp"\nOPTIONS="-x $TCP_MODE"\n',
    'if [ -z "$TCP_MODE" ]; then\n  TCP_MODE=atcp\nfi\nUDP_MODE=audp # as ever\n',
    'TCP_MODE="atcp"\r\nUDP_MODE="audp"\r\n',
  ],
  lines: ['TCP_MODE="atcp"', 'UDP_MODE=audp', 'TCP_MODE=', 'UDP_MODE=$(x)', 'A=1', 'A="', "B='", 'fi', 'if x; then', 'f() {', '}', 'exit', 'cat <<EOF', 'EOF', 'unset TCP_MODE', 'readonly UDP_MODE', 'local A=1', 'TCP_MODE="a\\', '# TCP_MODE=x', 'export TCP_MODE=tcp UDP_MODE=udp', 'esac'],
  pieces: ['TCP_MODE=', 'UDP_MODE=', '"atcp"', ' && ', ' || ', '; ', '${', '$((', '`', '<<', 'if ', 'then ', '\\\n'],
}) // biome-ignore format: a table

/** portsentry.conf. */
export const CONF = textOf({
  files: [
    '# conf\nTCP_PORTS="1,11,15"\nIGNORE_FILE="/etc/portsentry/portsentry.ignore"\nBLOCK_TCP="0"\nKILL_ROUTE="/sbin/route add -host $TARGET$ reject"\n',
    'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n#KILL_ROUTE="/sbin/iptables -I INPUT -s $TARGET$ -j DROP"\nRESOLVE_HOST = "0"\nPORT_BANNER="x" # say "it"\n',
    'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\r\nHISTORY_FILE="/var/lib/portsentry/portsentry.history"\r\nBLOCKED_FILE="/var/lib/portsentry/portsentry.blocked"\r\n',
  ],
  lines: ['IGNORE_FILE="/etc/portsentry/portsentry.ignore"', 'KILL_ROUTE="/x $TARGET$"', "KILL_ROUTE='x'", 'KILL_ROUTE=', 'KILL_ROUTE="', 'BLOCK_TCP = "1"', 'BLOCK_TCP\t="1"', 'BLOCK_UDP="1" "2"', 'BLOCK="1"', 'K="x"', ' BLOCK_TCP="1"', 'block_tcp="1"', '#PORT_BANNER="x"', 'SCAN_TRIGGER "1"', 'SCAN_TRIGGER="\t1"', 'ADVANCED_PORTS_TCP="1023"', 'IGNORE_FILE="/srv/x"', 'HISTORY_FILE="x" x', '', '#', ' #', 'x'],
  pieces: ['BLOCK_TCP', 'KILL_ROUTE', '="', '"1"', 'IGNORE_FILE=', 'SCAN_TRIGGER', ' = ', '"\n', '#', '_', '=""'],
}) // biome-ignore format: a table

/** The ignore list. */
export const IGNORE_LIST = textOf({
  files: [
    '# hosts\n127.0.0.1\n0.0.0.0\n',
    '192.168.1.10/255.255.255.0\n10.0.0.0/8\n# portward: begin (x)\n192.168.1.0/24\n# portward: end\n203.0.113.9\n',
    '127.0.0.1/32\r\n192.168.1.10//24\r\n/\r\n',
    '127.0.0.0/8\n::1\n2001:db8::/32',
  ],
  lines: ['192.168.1.0/24', '192.168.1.10/24', '192.168.1.0/33', '192.168.1', '010.0.0.1', '0.0.0.0/0', '1.2.3.4 # x', ' 1.2.3.4', '2001:DB8::1', '::ffff:1.2.3.4', 'host.example', '# portward: begin', '# portward: end', '# portward: end x', '/', '203.0.113.64/26', ''],
  pieces: ['192.168.', '1.0', '/24', '/', '#', '# portward: begin', '# portward: end', '\n', ':', '::', '0x7f', '1'],
}) // biome-ignore format: a table

/** hosts.allow and hosts.deny. */
export const HOSTS_ACCESS = textOf({
  files: [
    '# allow\nALL: LOCAL @some_netgroup\nsshd: 10.0.0.\n',
    'ALL: 192.168.1.10/255.255.255.0\nALL: 127.0.0.1\n# portward: begin (x)\nALL: 192.168.1.0/255.255.255.0\n# portward: end\n',
    'ALL: ALL EXCEPT 203.0.113.9\nALL: PARANOID : DENY\n',
    'ALL: 192.168.1.20 : DENY\nALL: 203.0.113.9 : DENY\n',
    'sshd, vsftpd : 10. : spawn (/bin/echo %h) & : allow\n',
  ],
  lines: ['ALL: ALL', 'ALL: ALL: DENY', 'ALL: 192.168.1.0/24', 'ALL: 192.168.1.20 : DENY', 'ALL: fd00::20 : DENY', 'ALL: [fd00::]/64', 'ALL: 198.51.100.7:DENY', 'ALL: 203.0.113.7?', 'ALL: 203.*', 'ALL EXCEPT sshd: ALL: deny', 'ALL:', ': ALL', 'ALL: ALL: twist x', 'ALL: ALL \\', '# x \\', '#', '', '# portward: begin', '# portward: end', 'all: 127.', 'ALL: EXCEPT 10.', 'ALL: 10.0.0.0/8: allow'],
  pieces: ['ALL', ': ', 'EXCEPT', '192.168.1.', '/255.255.255.0', '[::1]', ': DENY', '\\\n', '\\:', ' , ', '.', '*', '?', '# portward: begin\n', '# portward: end\n'],
}) // biome-ignore format: a table

/** The jail file. */
export const JAIL = textOf({
  files: [
    '[portsentry]\nenabled = true\n',
    'enabled = true\nlogpath  = %(portsentry_history)s\nmaxretry = 1\n',
    '# mine\n[DEFAULT]\nbantime = 10m ; short\n\n[portsentry]\nenabled = false\nignoreip = 127.0.0.1/8\n           10.0.0.0/8\n  ; x\n\n[sshd]\nenabled = true\n',
    '[portsentry]\r\nenabled = true\r\nbantime = 1\r\n',
    '[portsentry]\nbantime = 1\n[portsentry]\nbantime = 2\nbantime: 3\n',
  ],
  lines: ['[portsentry]', '[sshd]', '[DEFAULT]', '[]', '[x', 'enabled = true', 'enabled=false ; x', '  enabled = x', 'bantime : 1', 'ignoreip =', '  10.0.0.1', '\t10.0.0.1', 'maxretry', '= 1', 'FILTER = x', 'filter[x] = y', '# x', '; x', 'action = %(action_)s', '           x[a="b"]', '', '  '],
  pieces: ['[portsentry]', 'enabled', ' = ', '\n ', '\n', ' ;', '#', '[', ']', '%(', ')s', 'bantime', ':', '\xef\xbb\xbf', '\xc2\xa0', '\x85'],
}) // biome-ignore format: a table

import { describe, expect, it } from 'vitest'
import { formatCidr } from '../../src/network.ts'
import { renderProblem } from '../../src/problem.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { LAN } from '../plan/live.ts'

type Environment = Record<string, string>

const parse = (text: string, environment: Environment = {}) => parseSettings(text, environment, 'config.env')
/** `line code` of every problem, warnings marked with a `?`. */
const problems = (text: string, environment: Environment = {}) =>
  parse(text, environment).problems.map(
    ({ at, code, severity }) => `${at.line ?? at.path} ${code}${severity === 'warning' ? '?' : ''}`,
  )
/** The problems of lines behind a good LAN, which is lines 1 and 2. */
const behindLan = (text: string) => problems(`${LAN}${text}\n`)

describe('the LAN', () => {
  const lan = (ip: string, mask: string): string => {
    const { settings, problems: found } = parse(`LAN_IP=${ip}\nLAN_NM=${mask}\n`)
    return settings?.lan
      ? formatCidr(settings.lan)
      : found.map(({ at, code }) => `${at.line} ${code}`).join(', ')
  }

  it.each([
    ['192.168.1.10', '255.255.255.0', '192.168.1.0/24'],
    ['192.168.1.10', '24', '192.168.1.0/24'],
    ['192.168.1.10', '/24', '192.168.1.0/24'],
    ['192.168.1.0', '/24', '192.168.1.0/24'],
    ['10.1.2.3', '8', '10.0.0.0/8'],
    ['10.1.2.3', '255.0.0.0', '10.0.0.0/8'],
    ['172.16.5.4', '255.255.240.0', '172.16.0.0/20'],
    ['192.168.1.10', '32', '192.168.1.10/32'],
    ['192.168.1.11', '31', '192.168.1.10/31'],
    ['192.168.1.127', '24', '192.168.1.0/24'],
  ])('%s with %s is %s', (ip, mask, expected) => expect(lan(ip, mask)).toBe(expected))

  it.each([
    ['192.168.1.10', '0.0.0.255', '2 netmask-hole'],
    ['192.168.1.10', '0', '2 netmask-wide'],
    ['192.168.1.10', '/0', '2 netmask-wide'],
    ['192.168.1.10', '0.0.0.0', '2 netmask-wide'],
    ['192.168.1.10', '7', '2 netmask-wide'],
    ['192.168.1.10', '33', '2 netmask'],
    ['192.168.1.10', '/999', '2 netmask'],
    ['192.168.1.10', '024', '2 netmask'],
    ['192.168.1.10', '24/', '2 netmask'],
    ['192.168.1.10', '//24', '2 netmask'],
    ['192.168.1.10', '-1', '2 netmask'],
    ['192.168.1.10', '255.255.255', '2 netmask'],
    ['192.168.1.10', '255.255.255.256', '2 netmask'],
    ['192.168.1.10', '255.255.255.00', '2 netmask'],
    ['192.168.1.10', 'ffff::', '2 netmask'],
    ['192.168.1.10', 'x', '2 netmask'],
    ['192.168.1.10', '', '2 empty'],
    ['', '24', '1 empty'],
    ['192.168.1.255', '24', '1 broadcast'],
    ['10.255.255.255', '8', '1 broadcast'],
    ['fd00::1', '24', '1 address-family'],
    ['192.168.1.10/24', '24', '1 address'],
    ['server.lan', '24', '1 address'],
    ['127.0.0.1', '24', '1 address'],
    ['0.0.0.0', '24', '1 address'],
    ['224.0.0.1', '24', '1 address'],
    ['fd00::1', '255.0.255.0', '1 address-family, 2 netmask-hole'],
    ['', '33', '1 empty, 2 netmask'],
  ])('%s with %s is refused: %s', (ip, mask, expected) => expect(lan(ip, mask)).toBe(expected))

  it.each([
    [
      'LANIP=192.168.1.10\nLANNM=24\n',
      ['config.env missing', 'config.env missing', '1 near-miss?', '2 near-miss?'],
    ],
    ['LAN_ADDRESS=192.168.1.10\n', ['config.env missing', 'config.env missing', '1 near-miss?']],
    ['LAN_IP=192.168.1.10\n', ['config.env missing']],
    ['LAN_NM=0\n', ['config.env missing', '1 netmask-wide']],
    ['LAN_IP=x\n', ['config.env missing', '1 address']],
    ['LAN_IP=$(hostname -I)\nLAN_NM=33\n', ['1 substitution', '2 netmask']],
    ['# LAN_IP=192.168.1.10\nLAN_NM=24\n', ['config.env missing']],
  ])('%j: all at once', (text, expected) => expect(problems(text)).toEqual(expected))

  it.each<[string, string[]]>([
    ['', []],
    ['# LAN_IP=192.168.1.10\n# LAN_NM=24\n', []],
    ['WHITELIST=198.51.100.7\n', []],
    ['WAN_IP=203.0.113.1\nWAN_NM=24\n', []],
    ['NETMASK=255.255.255.0\n', ['1 near-miss?']],
    ['WHITELIST="0.0.0.0/8,10.0.0.0/8"\n', []],
  ])('%j: none, and that is all right', (text, expected) => {
    expect(problems(text)).toEqual(expected)
    expect(parse(text).settings?.lan).toBeNull()
  })

  it('is missing where the environment has one half of it', () =>
    expect(problems('', { LAN_NM: '24' })).toEqual(['config.env missing', 'config.env from-environment?']))

  it('may not be empty: a template that was not filled in would end its protection', () =>
    expect(parse('LAN_IP=\nLAN_NM=\n').problems.map(renderProblem)).toEqual([
      'config.env:1: LAN_IP is empty — give the IPv4 address of this server in its LAN, such as 192.168.1.10, or leave out both LAN_IP and LAN_NM on a server without a LAN',
      'config.env:2: LAN_NM is empty — give the netmask: 255.255.255.0, 24 or /24, or leave out both LAN_IP and LAN_NM on a server without a LAN',
    ]))
})

describe('UNTRUSTED', () => {
  it.each<[string, string[], string[]]>([
    ['', [], []],
    ['10.20.0.1/16,fd00:1::/64', ['10.20.0.0/16', 'fd00:1::/64'], []],
    ['192.168.0.0/16', ['192.168.0.0/16'], []],
    ['192.168.1.0/24', [], ['3 untrusted-protected']],
    ['192.168.1.7', [], ['3 untrusted-protected']],
    ['198.51.100.7', [], ['3 untrusted-protected']],
    ['lan1', [], ['3 untrusted']],
  ])('%j', (value, networks, expected) => {
    const { settings, problems: found } = parse(`${LAN}UNTRUSTED=${value}\nWHITELIST=198.51.100.0/24\n`)
    expect(settings?.untrusted.map(formatCidr) ?? []).toEqual(networks)
    expect(found.map(({ at, code }) => `${at.line} ${code}`)).toEqual(expected)
  })
})

describe('the text', () => {
  it.each<[string, string[]]>([
    ['BANTIME = 1h', ['3 malformed-line']],
    ['BANTIME =1h', ['3 malformed-line']],
    ['BANTIME= 1h', ['3 blank-after-equals']],
    ['BANTIME: 1h', ['3 malformed-line']],
    ['BANTIME', ['3 malformed-line']],
    ['BANTIME+=1h', ['3 malformed-line']],
    ['readonly BANTIME=1h', ['3 malformed-line']],
    ['[ -n x ] && BANTIME=1h', ['3 malformed-line']],
    [': ${BANTIME:=1h}', ['3 malformed-line']],
    ['hello', ['3 not-an-assignment?']],
    ['. /etc/default/foo', ['3 not-an-assignment?']],
    ['echo "$LAN_IP ${BANTIME}"', ['3 not-an-assignment?']],
    ['export LAN_IP LAN_NM', []],
    ['export BANTIME=1h', []],
    ['  BANTIME=1h', []],
    ['\texport\tBANTIME=1h', []],
    ['#BANTIME=$(x)\n\n  # BANTIME = `x`', []],
    ["BANTIME=1h # about `date` and $(that), isn't it", []],
    ['BANTIME=1h\t# tab', []],
    ['BANTIME=1h#x', ['3 malformed-value']],
    ['BANTIME=$(x)', ['3 substitution']],
    ['BANTIME="$(x)"', ['3 substitution']],
    ['BANTIME=`x`', ['3 substitution']],
    ["KILL_RUN_CMD='echo `x`'", ['3 substitution']],
    ['BANTIME=$HOME', ['3 expansion']],
    ['BANTIME="1$"', ['3 expansion']],
    ['BANTIME=$((1+1))', ['3 substitution']],
    ['BANTIME=${NOWHERE}', ['3 unknown-reference']],
    ['BANTIME=${constructor}', ['3 unknown-reference']],
    ['BANTIME=${toString}', ['3 unknown-reference']],
    ['BANTIME=${X:-1h}', ['3 expansion']],
    ['BANTIME=${X}\nX=1h', ['3 unknown-reference']],
    ['X=$(x)\nBANTIME=${X}', ['4 unknown-reference']],
    ['FINDTIME=$(x)\nBANTIME=${FINDTIME}', ['3 substitution', '4 unknown-reference']],
    ['BANTIME="1h', ['3 unbalanced-quote']],
    ["BANTIME='1h", ['3 unbalanced-quote']],
    ['BANTIME=1h"', ['3 unbalanced-quote']],
    ['BANTIME="1h\'', ['3 unbalanced-quote']],
    ['BANTIME="1h\\"', ['3 unbalanced-quote']],
    ['BANTIME="1h\n"\n', ['3 multi-line']],
    ["BANTIME='1h\nFINDTIME=x\n'", ['3 multi-line']],
    ['BANTIME=1h 2h', ['3 malformed-value']],
    ["BANTIME=1'h'", ['3 malformed-value']],
    ["BANTIME='1h'x", ['3 malformed-value']],
    ['BANTIME="1\\nh"', ['3 escape']],
    ['BANTIME="\\$X"', ['3 escape']],
    ['HISTORY_FILE=/a;b', ['3 malformed-value']],
    ['HISTORY_FILE=~/a', ['3 malformed-value']],
    ['HISTORY_FILE=/a>b', ['3 malformed-value']],
    ['HISTORY_FILE=/a\\ b', ['3 malformed-value']],
    ['PORT_BANNER=(a)', ['3 malformed-value']],
    ['BANTIME=1h\nBANTIME=2h', ['4 duplicate']],
    ['BANTIME=$(x)\nBANTIME=2h', ['3 substitution', '4 duplicate']],
    ['X=1\nX=2', []],
    ['BANTIME=1h\rFINDTIME=1h', ['3 malformed-value']],
    ['BANTIME="1\t"', ['3 unprintable']],
    ['BANTIME="1\xa0"', ['3 unprintable']],
    ['WHITELIST="10.0.0.1 \x1b[31m"', ['3 unprintable']],
    ['PORT_BANNER="$TARGET$"', ['3 expansion']],
    ['PORT_BANNER="/bin/t$TARGET$ue"', ['3 expansion']],
    ['PORT_BANNER="gr\xc3\xbc\xc3\x9fe"', ['3 unprintable']],
    ['PORT_BANNER=\x00', ['3 unprintable']],
    ['BANTIME=\nFINDTIME=""', ['3 empty', '4 empty']],
  ])('%j', (text, expected) => expect(behindLan(text)).toEqual(expected))

  it.each<[string, string[]]>([
    [LAN.replaceAll('\n', '\r\n'), ['1 crlf']],
    ['LAN_IP=192.168.1.10\nLAN_NM=24\r', ['2 crlf']],
    ['LAN_IP=192.168.1.10\nLAN_NM="24"\r', ['2 crlf']],
    ['\xef\xbb\xbfLAN_IP=192.168.1.10\nLAN_NM=24\n', ['config.env missing', '1 byte-order-mark']],
    ['X="\nLAN_IP=192.168.1.10\nLAN_NM=24\n"\n', ['config.env missing', 'config.env missing']],
    ['LAN_IP=192.168.1.10\nLAN_NM=24', []],
    ["X='no end\nLAN_IP=192.168.1.10\nLAN_NM=24\n", []],
  ])('as a whole: %j', (text, expected) => expect(problems(text)).toEqual(expected))

  it('names both lines of a duplicate', () => {
    expect(parse(`${LAN}\nLAN_NM=16\n`).problems.map(renderProblem)).toEqual([
      'config.env:4: sets LAN_NM again, after line 2 — keep one of the two',
    ])
  })

  it('says where the quote opens that swallows the LAN', () => {
    const [first] = parse(`X="\n${LAN}"\n`).problems.map(renderProblem)
    expect(first).toBe('config.env: LAN_IP is not set — close the quote that opens on line 1')
  })

  it.each([
    'X=$(rm -rf /) Y=`x`',
    'X="no end',
    "X=it's",
    "X='a\nb'",
    'X="a\n$(b)\n"',
    'X=a\\ b;c&d|e',
    'X=$HOME/${Y:-z}',
    'X=\xff\x00\t',
    'X=',
    'X.y-z=1',
    `X=${'x'.repeat(5000)}`,
  ])('leaves an unknown variable alone: %j', (text) => {
    expect(behindLan(`${text}\nBANTIME=2h`)).toEqual([])
    expect(parse(`${LAN}${text}\nBANTIME=2h\n`).settings?.bantime).toBe('2h')
  })

  it.each<[string, string | undefined]>([
    ['LAN_NETMASK=24', 'LAN_NM'],
    ['LAN_MASK=24', 'LAN_NM'],
    ['NETMASK=24', 'LAN_NM'],
    ['netmask=24', 'LAN_NM'],
    ['LANNM=24', 'LAN_NM'],
    ['LANIP=1', 'LAN_IP'],
    ['LAN_ADDR=1', 'LAN_IP'],
    ['LAN_ADDRESS=1', 'LAN_IP'],
    ['TRUSTED=1', 'WHITELIST'],
    ['lan_ip=1', 'LAN_IP'],
    ['BLOK_TCP=1', 'BLOCK_TCP'],
    ['BLOCK_UP=1', 'BLOCK_UDP'],
    ['BLOCK_XDP=1', 'BLOCK_UDP'],
    ['UDP_MOD=audp', 'UDP_MODE'],
    ['BAN_TIME=1h', 'BANTIME'],
    ['KILLROUTE=x', 'KILL_ROUTE'],
    ['WHITE_LIST=x', 'WHITELIST'],
    ['LAN_IF=eth0', 'LAN_IP'],
    ['WAN_IP=1', undefined],
    ['GATEWAY=1', undefined],
    ['X=1', undefined],
    [`${'L'.repeat(5000)}=1`, undefined],
  ])('a near miss: %s', (text, meant) => {
    expect(
      parse(`${text}\n`)
        .problems.filter(({ code }) => code === 'near-miss')
        .map(({ hint, severity }) => `${severity} ${hint}`),
    ).toEqual(meant === undefined ? [] : [`warning did you mean ${meant}?`])
  })

  it.each([
    'LAN_IF=eth0',
    'WAN_IP=1.2.3.4',
    'NETMASK=255.255.0.0',
    'LAN_ADDR=10.0.0.1',
    'LAN_IP2=10.0.0.1',
    'LAN_NM_2=24',
    'LAN_IPS=10.0.0.1',
    'WHITELIST=\nWHITELIST2=x',
    'WHITELIST=\nTRUSTED=x',
    'WHITELIST=\nBLACKLIST=x',
    'WHITELIST=\nWHITELIST_URL=x',
    'BANTIME=1h\nMAX_BANTIME=x',
    'BLOCK_TCP=1\nBLOCK_ICMP=1',
    'BLOCK_TCP=1\nBLOCK_TCP6=1',
    'BAN_IPV6_PREFIX=64\nBAN_IPV4_PREFIX=24',
  ])('no near miss beside the right name: %j', (text) => expect(behindLan(text)).toEqual([]))

  it.each([
    'WHITELIST=\nWHITLIST=203.0.113.0/28',
    'WHITELIST=\nWHITELST=203.0.113.0/28',
    'WHITELIST=\nWITELST=203.0.113.0/28',
    'WHITELIST=\nWHITE_LIST=203.0.113.0/28',
    'WHITELIST=\nwhitelist=203.0.113.0/28',
    'BANTIME=1h\nBANTIM=2d',
    'BANTIME=1h\nBAN_TIME=x',
    'BLOCK_TCP=1\nBLOCK_TC=1',
    'TCP_MODE=atcp\nTCP_MODDE=atcp',
  ])('a slip beside the right name: %j', (text) => {
    const hint = `did you mean ${text.split('=')[0]}? Line 3 sets that: write it there, and remove this line`
    expect(parse(`${LAN}${text}\n`).problems.map(({ code, hint }) => [code, hint])).toEqual([
      ['near-miss', hint],
    ])
  })

  it('still suggests what is not set', () =>
    expect(behindLan('BLOCK_TCP=1\nBLOCK_UP=1')).toEqual(['4 near-miss?']))
})

describe('a value', () => {
  /** What BLOCK_TCP and PORT_BANNER behind `text` come to; PORT_BANNER takes any text. */
  const banner = (text: string, environment: Environment = {}) =>
    parse(`${LAN}${text}\n`, environment).settings?.portsentryKeys.get('PORT_BANNER')

  it.each<[string, string]>([
    ['PORT_BANNER=go', 'go'],
    ["PORT_BANNER='go away'", 'go away'],
    ['PORT_BANNER="go away" # now', 'go away'],
    ["PORT_BANNER='a # b'", 'a # b'],
    ["PORT_BANNER='a\\' # it's", 'a\\'],
    ["PORT_BANNER='a\\' # it'", 'a\\'],
    ["PORT_BANNER='a'  ", 'a'],
    ['PORT_BANNER="it\'s"', "it's"],
    ['PORT_BANNER="a\\b"', 'a\\b'],
    ["PORT_BANNER='a\\nb'", 'a\\nb'],
    ['PORT_BANNER==x', '=x'],
    ["PORT_BANNER='${X} $Y'", '${X} $Y'],
    ["PORT_BANNER='$TARGET$ on $PORT$ in $MODE$'", '$TARGET$ on $PORT$ in $MODE$'],
    ['X=go\nPORT_BANNER="${X} ${X}"', 'go go'],
    ['PORT_BANNER="${LAN_IP}/${LAN_NM}"', '192.168.1.10/24'],
    ['X=1\nX=2\nPORT_BANNER=${X}', '2'],
    ['X=1\nY=${X}2\nPORT_BANNER=${Y}3', '123'],
    ["X='$TARGET$'\nPORT_BANNER=${X}", '$TARGET$'],
    ['  export PORT_BANNER=x', 'x'],
    ["PORT_BANNER='** & | ; < > ( ) `'".replace('`', ''), '** & | ; < > ( ) '],
  ])('%j is %j', (text, expected) => expect(banner(text)).toBe(expected))

  it.each<[string, Environment, string | undefined]>([
    ['PORT_BANNER=file', { PORT_BANNER: 'environment' }, 'environment'],
    ['', { PORT_BANNER: 'a $(b) ${C}' }, 'a $(b) ${C}'],
    ['PORT_BANNER=${X}', { X: 'environment' }, 'environment'],
    ['X=file\nPORT_BANNER=${X}', { X: 'environment' }, 'environment'],
    ['PORT_BANNER=${LAN_NM}', { LAN_NM: '16' }, '16'],
  ])('%j with %j in the environment', (text, environment, expected) =>
    expect(banner(text, environment)).toBe(expected),
  )

  it.each<[string, Environment, string[]]>([
    ['BANTIME=1h', { BANTIME: '1h' }, []],
    ['', { BANTIME: '1d', PATH: '/bin', MY_OWN: 'x' }, []],
    ['X=file\nY=${X}', { X: 'environment' }, []],
    ['PORT_BANNER=${X}', { X: 'environment' }, []],
    [
      'BANTIME=1h',
      { BANTIME: '5m' },
      [
        'config.env:3: warning: BANTIME is "5m" here, taken from the environment; this line says "1h" — unset BANTIME, or write that value into the file',
      ],
    ],
    [
      'BANTIME=1h\nMAXRETRY=2',
      { BANTIME: '5m', MAXRETRY: '3', FINDTIME: '1h' },
      [
        'config.env: warning: FINDTIME is "1h" here, taken from the environment; this file does not set it — unset FINDTIME, or write that value into the file',
        'config.env:3: warning: BANTIME is "5m" here, taken from the environment; this line says "1h" — unset BANTIME, or write that value into the file',
        'config.env:4: warning: MAXRETRY is "3" here, taken from the environment; this line says "2" — unset MAXRETRY, or write that value into the file',
      ],
    ],
    [
      'X=file\nPORT_BANNER="a ${X}"',
      { X: 'secret' },
      [
        'config.env:4: warning: PORT_BANNER refers to a variable that the environment sets differently from this file; the environment takes precedence — unset it there, or give the two different names',
      ],
    ],
    [
      '',
      { LAN_NM: '16' },
      [
        'config.env:2: warning: LAN_NM is "16" here, taken from the environment; this line says "24" — unset LAN_NM, or write that value into the file',
      ],
    ],
  ])('%j beside %j in the environment', (text, environment, expected) => {
    const { settings, problems: found } = parse(`${LAN}${text}\n`, environment)
    expect(settings).not.toBeNull()
    expect(found.map(renderProblem)).toEqual(expected)
  })

  it('from the environment is checked too, and says so', () => {
    const { problems: found, settings } = parse(LAN, { BANTIME: 'soon', TCP_MODE: '', UDP_MODE: '' })
    expect(settings).toBeNull()
    expect(found.map(({ at, code }) => `${at.path} ${code}`)).toEqual([
      'environment bad-value',
      'environment no-mode',
      'config.env from-environment',
    ])
    expect(renderProblem(found[0] as (typeof found)[0])).toMatch(/^environment: BANTIME is "soon" — use /)
  })

  const long = 'x'.repeat(900)
  const times = [
    ...[
      '1',
      '600',
      '10m',
      '1d',
      '12h',
      '1w',
      '2mo',
      '1y',
      '1d 12h',
      '1d12h',
      '1h30m',
      '90 s',
      '1 day',
      '6 months',
    ],
    ...['10 minutes', '1hour', '1 2', '0d 1h'],
  ]
  const noTimes = [
    ...[
      '1x',
      'permanent',
      '1d ',
      '010m',
      '08',
      '1.5h',
      '-5',
      '1h-5',
      '1h*2',
      '0',
      '0s',
      '1d,2h',
      'd',
      '__import__',
      '1  d',
    ],
    ...['2 weeks', '1hm', '1H', '9999999999'],
  ]
  const each = (name: string, good: string[], bad: string[]) => [
    ...good.map((value) => [name, value, []] as const),
    ...bad.map((value) => [name, value, ['3 bad-value']] as const),
  ]
  it.each<readonly [string, string, readonly string[]]>([
    ...each('TCP_MODE', ['', 'tcp', 'stcp', 'atcp'], ['audp', 'ATCP', 'tcp ', 'x']),
    ...each('UDP_MODE', ['', 'udp', 'sudp', 'audp'], ['atcp', 'x']),
    ...each('BLOCK_TCP', ['0', '1'], ['3', 'yes', '01', '-1']),
    ...each('RESOLVE_HOST', ['0', '1'], ['2', 'true']),
    ...each('SCAN_TRIGGER', ['0', '50'], ['51', '-1', 'x', '1.5']),
    ...each('ADVANCED_PORTS_TCP', ['1', '1024', '65535'], ['0', '65536', '1,2']),
    ...each('TCP_PORTS', ['1', '1,11,65535', '0', '20-25'], ['1,,2', ',1', '1,', '65536', '1, 2', '25-20', '1-2-3', 'ssh', '-1']),
    ...each('UDP_PORTS', ['1,7'], ['x', Array(400).fill('7').join()+',77'.repeat(100)]),
    ...each('KILL_ROUTE', ['/sbin/x $TARGET$'], ['/sbin/x', '/sbin/x $target$', `${long}$TARGET$`, 'a "$TARGET$"']),
    ...each('KILL_HOSTS_DENY', ['ALL: $TARGET$ : DENY'], ['ALL: ALL']),
    ...each('KILL_RUN_CMD', ['/bin/notify', 'x $TARGET$ && y'], [`${long}x`, 'a "b"']),
    ...each('PORT_BANNER', [long], [`${long}x`, 'a "b"']),
    ...each('HISTORY_FILE', ['/var/log/x-1.log', '/var/log/portsentry/h', '/var/lib/portsentry/portsentry.history', '/srv/logs/scans'], ['var/log', '/', '/a b', '/a"b', '/a/', '/a%b', '/a*', '//a', `/${long}`, '/etc/shadow', '/dev/null', '/dev/sda', '/proc/sysrq-trigger', '/home/bob/log/x', '/etc/portsentry/h', '/tmp/log/x', '/var/log/../../etc/shadow', '/var/log/auth.log', '/var/log/wtmp', '/var/log/syslog.1', '/var/log/journal/x', '/srv/x', '/x.log', '/lib64/log/x']),
    ...each('BLOCKED_FILE', ['/var/lib/x/y', '/run/portsentry.blocked', '/var/log/portsentry.blocked', '/srv/portsentry/blocked'], ['/tmp/portsentry.blocked', '/var/tmp/x', '/run/lock/x', '/var/lock/portsentry/x', '/dev/shm/portsentry/x', '/etc/portsentry/blocked', '/root/portsentry/x', '/run/../etc/passwd', '/srv/blocked']),
    ...each('BAN_BACKEND', ['iptables', 'nft', 'route', 'none'], ['nftables', 'NFT']),
    ...each('BAN_TARGET', ['auto', 'CHAOS', 'TARPIT', 'DELUDE', 'DROP', 'REJECT'], ['chaos', 'ACCEPT']),
    ...each('BANTIME', [...times, '-1'], noTimes),
    ...each('FINDTIME', times, [...noTimes, '-1']),
    ...each('MAXRETRY', ['1', '1000'], ['0', '-1', 'abc', '1001']),
    ...each('BANACTION', ['nftables-allports', 'nftables[type=allports, blocktype=drop]'], ['a b', 'a]', 'a;b', 'a[b]c']),
    ...each('NOTIFY', ['', 'root', 'a.b+c@example.org', 'a@localhost /etc/portward/apprise.conf'], ['a', 'a@', 'a@b.', 'a@b;c', 'json://h/p', 'a@b, c@d', '/a b', 'etc/x', 'a@b a@b', '-f@-']),
    ...each('NOTIFY_LIMIT', ['10/1h', '1/1', '99999/1d 12h'], ['10', '0/1h', '10/0', '10/1h/2', '-1/1h', '10/h', '100000/1h']),
    ...each('ABUSEIPDB_KEY_FILE', ['/etc/portward/abuseipdb.key'], ['f00d', 'a/b', '/a b', '/a"b']),
    ...each('OBSERVE_ONLY', ['0', '1'], ['2', 'yes']),
    ...each('METRICS', ['/var/lib/prometheus/node-exporter/portward.prom', '/a.prom'], ['a.prom', '/a', '/a.prom/', '/a b.prom', '/x/../a.prom', '/./a.prom', '/a%b.prom', '/a"b.prom']),
    ['METRICS', '', ['3 empty']],
    ['PORT_BANNER', '', ['3 empty']],
    ['WHITELIST', '', []],
  ])("%s='%s'", (name, value, expected) => expect(behindLan(`${name}='${value}'`)).toEqual(expected)) // biome-ignore format: a table

  it.each([
    ["TCP_MODE=''\nUDP_MODE=", ['3 no-mode']],
    ['BLOCK_TCP=2\nBLOCK_UDP=2', ['3 no-command', '4 no-command']],
    ['BLOCK_TCP=2\nKILL_RUN_CMD=$(x)', ['4 substitution']],
    ['BLOCK_TCP=2\nKILL_RUN_CMD=/bin/notify', []],
    ['TCP_MODE=x\nUDP_MODE=', ['3 bad-value']],
    ['NOTIFY_DIGEST=daily', ['3 no-recipient']],
    ['NOTIFY_DIGEST=weekly\nNOTIFY=root', ['3 bad-value']],
    ['NOTIFY_DIGEST=daily\nNOTIFY=root', []],
    ['NOTIFY_DIGEST=daily\nNOTIFY=$(x)', ['4 substitution']],
  ])('together: %j', (text, expected) => expect(behindLan(text)).toEqual(expected))
})

it('never quotes what may be a secret in the wrong place', () => {
  const text = `${LAN}NOTIFY='a@example.org json://host/f00d'\nABUSEIPDB_KEY_FILE=f00df00d\n`
  const messages = parse(text).problems.map(renderProblem)
  expect(messages).toEqual([
    expect.stringContaining('NOTIFY has entry 2, which is a URL, which may contain a secret'),
    expect.stringContaining('ABUSEIPDB_KEY_FILE is not an absolute path'),
  ])
  expect(messages.join()).not.toContain('f00d')
  const right = { NOTIFY: 'root', ABUSEIPDB_KEY_FILE: '/etc/key' }
  const overridden = parse(text, right).problems.map(renderProblem)
  expect(overridden).toEqual([
    'config.env:3: warning: NOTIFY is "root" here, taken from the environment; this line has a value that is not valid — unset NOTIFY, or write that value into the file',
    expect.stringContaining('ABUSEIPDB_KEY_FILE is "/etc/key" here'),
  ])
  expect(overridden.join()).not.toContain('f00d')
})

describe('WHITELIST', () => {
  const whitelist = (value: string) => {
    const { settings, problems: found } = parse(`${LAN}WHITELIST="${value}"\n`)
    return [...(settings?.whitelist ?? []).map(formatCidr), ...found.map(({ code }) => code)]
  }
  it.each<[string, string[]]>([
    ['', []],
    ['  ', []],
    ['10.0.0.1', ['10.0.0.1/32']],
    ['10.0.0.1,10.0.0.2 , 10.0.0.3', ['10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32']],
    ['10.0.0.0/8 10.0.0.0/255.255.0.0', ['10.0.0.0/8', '10.0.0.0/16']],
    ['2001:DB8:0::1 fd00::/64', ['2001:db8::1/128', 'fd00::/64']],
    ['10.0.0.1/24', ['10.0.0.0/24', 'whitelist-host-bits']],
    ['2001:db8::1/64', ['2001:db8::/64', 'whitelist-host-bits']],
    ['0.0.0.0/0', ['whitelist-wide']],
    ['::/0', ['whitelist-wide']],
    ['10.0.0.0/7 2000::/15', ['whitelist-wide', 'whitelist-wide']],
    ['::ffff:198.51.100.7', ['198.51.100.7/32']],
    ['::ffff:198.51.100.0/120', ['198.51.100.0/24']],
    ['::ffff:0:0/96 ::ffff:0:0/103', ['whitelist-wide', 'whitelist-wide']],
    [
      'example.org 10.0.0.300 10.0.0.x 10.0.0/24 host 198.51.0x6407 host_1.example.org -a.example.org 10.0.0.1-9',
      Array.from({ length: 8 }, () => 'whitelist'),
    ],
    ['10.0.0.1/33', ['whitelist']],
    ['10.0.0.1;10.0.0.2', ['whitelist']],
  ])('%j', (value, expected) => expect(whitelist(value)).toEqual(expected))
})

describe('networks that cover the world together', () => {
  /** So many networks of 8 bits from `first` on; 192 holds the LAN. */
  const eights = (count: number, first = 0): string =>
    Array.from({ length: count }, (_, index) => `${first + index}.0.0.0/8`).join(',')
  const share = (list: string): string[] =>
    parse(`${LAN}WHITELIST=${list}\n`).problems.map(
      ({ code, message }) => `${code} ${/[\d.]+ %/.exec(message)?.[0]}`,
    )

  it.each<[string, string, string[]]>([
    ['half of IPv4, the LAN in it', eights(128, 100), []],
    ['half of IPv4, the LAN outside', eights(128), ['whitelist-world 50.0 %']],
    ['three quarters', eights(192), ['whitelist-world 75.0 %']],
    ['what is said twice', `${eights(127)},${eights(127)},10.1.0.0/16,10.0.0.0/8`, []],
    ['what lies in another network', `${eights(100)},10.0.0.0/9,10.128.0.0/9,11.1.1.0/24`, []],
    ['mapped addresses', '::ffff:0.0.0.0/104,::ffff:1.0.0.0/104', []],
    ['IPv6', '2001::/16,2002::/16,2003::/16,fd00::/16', []],
  ])('%s', (_, list, expected) => expect(share(list)).toEqual(expected))
})

it.each<[string, string[]]>([
  ['A=1 LAN_NM=16', ['3 hidden-assignment']],
  ['A=1; BANTIME=3', ['3 hidden-assignment']],
  ['A=1 PORT_BANNER="${LAN_IP}"', ['3 hidden-assignment']],
  ['A=1 LAN_NM=24', ['3 hidden-assignment']],
  ['BANTIME=3 # A=1 BANTIME=4', []],
  ['PORT_BANNER="${LAN_IP}"', []],
  ["A='x LAN_NM=16'", []],
  ['[ -z "$X" ] && A=1 LAN_NM=16', ['3 malformed-line']],
  ['A=1 LAN_NM=16 run', ['3 hidden-assignment']],
])('a variable behind another one: %s', (line, expected) => expect(behindLan(line)).toEqual(expected))

describe('references that double a value with every line', () => {
  const doubling = (lines: number): string =>
    Array.from({ length: lines }, (_, index) => `A${index + 1}="\${A${index}}\${A${index}}"\n`).join('')

  it.each([
    [10, []],
    [40, ['44 unknown-reference']],
  ])('%d lines', (lines, expected) => {
    const text = `${LAN}A0=${'x'.repeat(8)}\n${doubling(lines)}WHITELIST=\${A${lines}}\n`
    const found = problems(text).filter((problem) => !problem.endsWith('whitelist'))
    expect(found).toEqual(expected)
  })

  it('in the variable itself', () => {
    const long = 'x'.repeat(60_000)
    expect(problems(`${LAN}A=${long}\nPORT_BANNER=\${A}\${A}\n`)).toEqual(['4 too-long'])
  })
})

describe('the result', () => {
  it('has the documented defaults', () => {
    const { settings } = parse(LAN)
    expect({ ...settings, lan: undefined, locations: undefined }).toMatchObject({
      whitelist: [],
      tcpMode: 'atcp',
      udpMode: 'audp',
      portsentryKeys: new Map([
        ['BLOCK_TCP', '1'],
        ['BLOCK_UDP', '1'],
        ['RESOLVE_HOST', '0'],
      ]),
      banBackend: 'auto',
      banIPv6Prefix: 128,
      banTarget: 'auto',
      killRoute: undefined,
      bantime: '1d',
      findtime: '10m',
      maxretry: '1',
      banaction: undefined,
      observeOnly: false,
    })
  })

  it.each([
    ['iptables', 'ipset'],
    ['ipset', 'ipset'],
    ['nft', 'nft'],
    ['auto', 'auto'],
  ])('BAN_BACKEND=%s is %s', (value, backend) => {
    expect(parse(`${LAN}BAN_BACKEND=${value}\n`).settings?.banBackend).toBe(backend)
  })

  it.each([
    ['BAN_IPV6_PREFIX=64', 64],
    ['BAN_IPV6_PREFIX=128', 128],
    ['BAN_IPV6_PREFIX=56', undefined],
  ])('%s', (line, prefix) => {
    expect(parse(`${LAN}${line}\n`).settings?.banIPv6Prefix).toBe(prefix)
  })

  it('says where each variable was given', () => {
    const { settings } = parse(`${LAN}\nBANTIME=1h\n`, { MAXRETRY: '2' })
    expect([...(settings?.locations ?? [])]).toEqual([
      ['LAN_IP', { path: 'config.env', line: 1 }],
      ['LAN_NM', { path: 'config.env', line: 2 }],
      ['BANTIME', { path: 'config.env', line: 4 }],
      ['MAXRETRY', { path: 'environment' }],
    ])
  })

  it('reports all problems at once, in the order of lines', () => {
    const text = [
      '# mine',
      'LAN_IP=$(hostname -I)',
      'LAN_NM = 24',
      'BLOK_TCP=1',
      'BANTIME=soon',
      "KILL_ROUTE='/sbin/route'",
      'WHITELIST="10.0.0.300 10.0.0.0/1"',
      'TCP_PORTS=1;2',
    ].join('\n')
    expect(parse(text).problems.map(renderProblem)).toEqual([
      'config.env: LAN_NM is not set — add LAN_NM=… to the file, or leave out both LAN_IP and LAN_NM on a server without a LAN',
      'config.env:2: LAN_IP has a command substitution, which portward never runs — write the value itself',
      'config.env:3: names LAN_NM but is not LAN_NM=value — write the name, "=" and the value without blanks, at the start of the line',
      'config.env:4: warning: sets BLOK_TCP, which portward does not know — did you mean BLOCK_TCP?',
      'config.env:5: BANTIME is "soon" — use seconds or units such as 10m, 12h, 1d, 1w; -1 for a permanent ban',
      'config.env:6: KILL_ROUTE does not contain $TARGET$, so portsentry would not run it — name the scanner as $TARGET$, and use single quotes inside',
      'config.env:7: WHITELIST has "10.0.0.300", neither an address nor a network nor the full name of a host — write 198.51.100.7, 198.51.100.0/24, 2001:db8::/32 or a full name such as home.example.net',
      'config.env:7: WHITELIST has "10.0.0.0/1", which covers a large part of the Internet — name smaller networks: /8 at the widest for IPv4, /16 for IPv6',
      'config.env:8: TCP_PORTS is not one word or one quoted text — put the whole value in single quotes',
    ])
  })
})

const many = 200_000
it.each<[string, string]>([
  ['blanks', `PORT_BANNER=${' '.repeat(many)}"x`],
  ['blanks before a name', `${' '.repeat(many)}export${' '.repeat(many)}=`],
  ['open braces', `PORT_BANNER=${'${'.repeat(many / 2)}`],
  ['escapes', `PORT_BANNER="${'\\"'.repeat(many / 2)}`],
  ['quotes', `PORT_BANNER=${`'"`.repeat(many / 2)}x`],
  ['lines that open and close', `X='\n'\n`.repeat(many / 6)],
  ['no assignments', 'x\n'.repeat(many / 2)],
  ['carriage returns', '\r\n'.repeat(many / 2)],
  ['names', 'LAN_IP '.repeat(many / 7)],
  ['references', '${X'.repeat(many / 3)],
  ['ports', `TCP_PORTS=${'1,'.repeat(many / 2)}`],
  ['times', `BANTIME="${'1 '.repeat(many / 2)}x"`],
  ['digits', `BANTIME=${'1'.repeat(many)}x`],
  ['a path', `HISTORY_FILE=${'/log'.repeat(many / 4)}/`],
  ['a whitelist', `WHITELIST="${'1, '.repeat(many / 3)}"`],
  ['a netmask', `LAN_IP=${'1.'.repeat(many / 2)}\nLAN_NM=${'2'.repeat(many)}`],
])('200 kB of %s come to an end', (_, hostile) => {
  expect(parse(`LAN_NM=24\n${hostile}`).settings).toBeNull()
})

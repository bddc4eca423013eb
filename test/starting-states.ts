/** What a server's files may be before portward comes: all of it ends at the same. */

export const CONF = '/etc/portsentry/portsentry.conf'
export const MODES = '/etc/default/portsentry'
export const ALLOW = '/etc/hosts.allow'
export const IGNORE = '/etc/portsentry/portsentry.ignore.static'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'

/** What is looked at of portsentry.conf, and of which hosts the ignore list and hosts.allow are asked. */
export const KEYS = [
  'BLOCK_TCP',
  'BLOCK_UDP',
  'RESOLVE_HOST',
  'KILL_ROUTE',
  'KILL_HOSTS_DENY',
  'HISTORY_FILE',
  'SCAN_TRIGGER',
]
export const HOSTS = ['192.168.1.20', '192.168.1.254', '127.0.0.1', '203.0.113.9', '10.9.8.7']

/** The files of a server, or of a tree. */
export interface Files {
  read(path: string): Buffer | Promise<Buffer>
  write(path: string, content: string | Uint8Array, mode?: number): unknown
}

export const edit = async (files: Files, path: string, change: (text: string) => string): Promise<void> => {
  await files.write(
    path,
    Buffer.from(change(Buffer.from(await files.read(path)).toString('latin1')), 'latin1'),
  )
}

/** What a pass of the old article does to the files; each further pass does it to the result. */
export const followArticle = async (files: Files, address: string, netmask: string): Promise<void> => {
  await edit(files, MODES, (text) => text.replace('"tcp"', '"atcp"').replace('"udp"', '"audp"'))
  await edit(files, CONF, (text) =>
    text
      .replace(/^BLOCK_(...)="0"/gm, 'BLOCK_$1="1"')
      .replace('RESOLVE_HOST = "0"', 'RESOLVE_HOST = "1"')
      .replace(/^KILL_ROUTE/gm, '#KILL_ROUTE')
      .replace(/^#?(KILL_ROUTE="\/sbin\/iptables -I INPUT -s \$TARGET\$ -j) DROP"/gm, '$1 CHAOS"'),
  )
  await edit(files, ALLOW, (text) => `${text}ALL: ${address}/${netmask}\n`)
  await edit(files, IGNORE, (text) => `${text}${address}/${netmask}\n`)
  await files.write(JAIL, 'enabled = true\n', 0o644)
}

/** All lines end in CRLF. */
const withCarriageReturns = (text: string): string => text.replace(/\r?\n/g, '\r\n')

export interface StartingState {
  readonly name: string
  readonly make: (files: Files) => Promise<void>
  readonly config?: string
  /** A host that the admin's own ignore list means, in a form that portsentry does not read: it is allowlisted afterwards. */
  readonly meant?: string
}

export const lan = (address: string, netmask: string) => `LAN_IP=${address}\nLAN_NM=${netmask}\n`

export const STATES: readonly StartingState[] = [
  { name: 'the stock files', make: async () => {} },
  {
    name: 'the article, applied once',
    make: (files) => followArticle(files, '192.168.1.10', '255.255.255.0'),
  },
  {
    name: 'the article, applied twice',
    make: async (files) => {
      await followArticle(files, '192.168.1.10', '255.255.255.0')
      await followArticle(files, '192.168.1.10', '255.255.255.0')
    },
  },
  {
    name: 'the article with LAN_NM=/24',
    make: (files) => followArticle(files, '192.168.1.10', '/24'),
    config: lan('192.168.1.10', '/24'),
  },
  {
    name: 'the article with LAN_NM=24',
    make: (files) => followArticle(files, '192.168.1.10', '24'),
    config: lan('192.168.1.10', '24'),
  },
  {
    name: 'the article with empty variables',
    make: (files) => followArticle(files, '', ''),
    config: lan('192.168.1.0', '255.255.255.0'),
  },
  {
    name: 'CRLF everywhere',
    make: async (files) => {
      for (const path of [CONF, MODES, ALLOW, IGNORE]) await edit(files, path, withCarriageReturns)
    },
  },
  {
    name: 'duplicate and indented keys',
    make: async (files) => {
      await edit(
        files,
        CONF,
        (text) => `BLOCK_TCP="0"\n  BLOCK_UDP="1"\n${text}BLOCK_TCP="1"\nKILL_ROUTE="/bin/true"\n`,
      )
      await edit(files, MODES, (text) => `${text}TCP_MODE="tcp"\nTCP_MODE="stcp"\n`)
      await files.write(JAIL, '[portsentry]\nenabled = false\nbantime = 5\nenabled = false\n', 0o644)
    },
  },
  {
    name: 'no final newline anywhere',
    make: async (files) => {
      for (const path of [CONF, MODES, ALLOW, IGNORE]) await edit(files, path, (text) => text.trimEnd())
      await files.write(JAIL, '[portsentry]\nenabled = true', 0o644)
    },
  },
  {
    name: 'Latin-1 bytes, tabs and blank lines',
    make: async (files) => {
      await edit(
        files,
        CONF,
        (text) => `# d\xe9j\xe0 vu\n\t\n${text.replace('BLOCK_TCP="0"', 'BLOCK_TCP="\t1"')}`,
      )
      await edit(files, IGNORE, (text) => `# \xfc\n${text}  10.9.8.7\n`)
    },
    meant: '10.9.8.7',
  },
]

import { blockedRecord } from '../../src/detector/blocked-hosts.ts'
import { address } from '../detector/daemon.ts'
import { DPKG_2, temporaryDirectory, writeInto } from '../tree.ts'

/** A server in 192.168.1.0/24 with portsentry 2.x, which has blocked these hosts; `lines` are more of its portsentry.conf. */
export const blockedServer = (
  hosts: readonly string[],
  lines: readonly string[],
  files: Readonly<Record<string, string>>,
): string => {
  const root = temporaryDirectory()
  writeInto(root, {
    ...DPKG_2,
    'etc/portsentry/portsentry.ignore': '127.0.0.1/8\n192.168.1.0/24\n',
    'etc/portsentry/portsentry.conf': [
      'TCP_PORTS="11"',
      'BLOCK_TCP="1"',
      ...lines,
      'KILL_HOSTS_DENY="ALL: $TARGET$ : DENY"',
      'IGNORE_FILE="/etc/portsentry/portsentry.ignore"',
      'HISTORY_FILE="/var/log/portsentry.log"',
      'BLOCKED_FILE="/tmp/portsentry.blocked"\n',
    ].join('\n'),
    'tmp/portsentry.blocked': hosts
      .map((host) => String.fromCharCode(...blockedRecord(address(host))))
      .join(''),
    'etc/hosts.allow': '',
    'root/config.env': 'LAN_IP=192.168.1.10\nLAN_NM=24\n',
    ...files,
  })
  return root
}

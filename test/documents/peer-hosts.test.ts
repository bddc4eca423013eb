import { expect, test } from 'vitest'
import { namesPeers, readPeerHosts } from '../../src/documents/peer-hosts.ts'

const APT = '/etc/apt/sources.list.d'

test.each<[path: string, line: string, hosts: string[]]>([
  ['/etc/systemd/timesyncd.conf', 'NTP=192.0.2.1 time.example', ['192.0.2.1', 'time.example']],
  ['/etc/systemd/timesyncd.conf', '#NTP=192.0.2.1', []],
  ['/etc/systemd/timesyncd.conf', 'FallbackNTP=0.debian.pool.ntp.org', []],
  ['/etc/systemd/timesyncd.conf.d/site.conf', 'NTP = 2001:db8::123', ['2001:db8::123']],
  ['/etc/chrony/chrony.conf', 'pool 2.debian.pool.ntp.org iburst', ['2.debian.pool.ntp.org']],
  ['/etc/chrony/sources.d/site.sources', 'server 192.0.2.1 iburst', ['192.0.2.1']],
  ['/etc/chrony/chrony.conf', 'driftfile /var/lib/chrony/chrony.drift', []],
  ['/etc/ntpsec/ntp.conf', 'server -4 192.0.2.1', ['192.0.2.1']],
  ['/etc/openntpd/ntpd.conf', 'servers time.example', ['time.example']],
  ['/etc/rsyslog.conf', '*.* @192.0.2.7:514', ['192.0.2.7']],
  ['/etc/rsyslog.conf', '*.* @@(o)log.example:6514;RSYSLOG_Format', ['log.example']],
  ['/etc/rsyslog.d/remote.conf', 'auth.* @[2001:db8::7]:514', ['2001:db8::7']],
  ['/etc/rsyslog.d/remote.conf', '*.* action(type="omfwd" target="192.0.2.7" port="514")', ['192.0.2.7']],
  ['/etc/rsyslog.d/remote.conf', '# *.* @192.0.2.7', []],
  ['/etc/rsyslog.d/remote.conf', 'mail.* -/var/log/mail.log', []],
  ['/etc/apt/sources.list', 'deb http://192.0.2.80/debian bookworm main', ['192.0.2.80']],
  ['/etc/apt/sources.list', 'deb-src [arch=amd64] https://mirror.example:8443/d x y', ['mirror.example']],
  ['/etc/apt/sources.list', 'deb cdrom:[Debian]/ bookworm main', []],
  ['/etc/apt/sources.list', 'deb file:/srv/mirror bookworm main', []],
  [`${APT}/a.sources`, 'URIs: http://192.0.2.80/debian', ['192.0.2.80']],
  [`${APT}/a.sources`, ' http://[2001:db8::80]/debian', ['2001:db8::80']],
  [`${APT}/a.sources`, 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg', []],
  ['/etc/apt/apt.conf.d/proxy', 'Acquire::http::Proxy "http://u:p@192.0.2.3:3142/";', ['192.0.2.3']],
  ['/etc/apt/apt.conf', '  Proxy "DIRECT";', []],
  ['/etc/zabbix/zabbix_agentd.conf', 'Server=192.0.2.5,monitor.example', ['192.0.2.5', 'monitor.example']],
  [
    '/etc/zabbix/zabbix_agent2.conf',
    'ServerActive=monitor.example:10051;[2001:db8::5]:10051',
    ['monitor.example', '2001:db8::5'],
  ],
  ['/etc/zabbix/zabbix_agent2.d/site.conf', '# Server=192.0.2.5', []],
  ['/etc/nagios/nrpe.cfg', 'allowed_hosts=127.0.0.1,192.0.2.0/28, ::1', ['127.0.0.1', '192.0.2.0/28', '::1']],
  ['/etc/munin/munin-node.conf', String.raw`allow ^192\.0\.2\.6$`, ['192.0.2.6']],
  ['/etc/munin/munin-node.conf', String.raw`allow ^192\.0\.2\.\d+$`, []],
  ['/etc/munin/munin-node.conf', 'cidr_allow 192.0.2.0/28', ['192.0.2.0/28']],
  ['/etc/apt/apt.conf', '// Acquire::http::Proxy "http://192.0.2.3:3142";', []],
])('%s: %s', (path, line, hosts) => {
  expect(namesPeers(path)).toBe(true)
  expect(readPeerHosts(path, `\n${line}\n`)).toEqual(
    hosts.map((host) => expect.objectContaining({ host, line: 2 })),
  )
})

test.each(['/etc/rsyslog.d/old.conf.bak', '/etc/chrony/chrony.keys', '/etc/hosts'])('not %s', (path) => {
  expect(namesPeers(path)).toBe(false)
  expect(readPeerHosts(path, 'server 192.0.2.1\n')).toEqual([])
})

import { OPEN_PORT, STOP_PORTSENTRY, UNTIL_FAIL2BAN_ANSWERS } from '../scenario.ts'

/** One thing that is broken on a working server, and the checks that have to report it. */
export interface Sabotage {
  readonly what: string
  readonly commands: string
  /** Commands that restore more than the files that `KEEP_FILES` saves. */
  readonly undo?: string
  /** By the code of the check. */
  readonly failing: Readonly<Record<string, RegExp>>
}

/** A port above the first one, which alone stops answering. */
const SECOND_PORT = OPEN_PORT + 1

const CONF = '/etc/portsentry/portsentry.conf'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'

const killRoute = (command: string): string => `sed -i 's|^KILL_ROUTE.*|KILL_ROUTE="${command}"|' ${CONF}`
const jailOption = (name: string, value: string): string =>
  `sed -i 's|^${name} =.*|${name} = ${value}|' ${JAIL}`

const restart12 = (tcpMode: string): string =>
  `${STOP_PORTSENTRY}; systemctl start portsentry; until pgrep -fx ".*portsentry -${tcpMode}" && pgrep -fx ".*portsentry -audp"; do sleep 0.1; done`

const DROP_IN = '/etc/systemd/system/fail2ban.service.d'
const RESTART_FAIL2BAN = `systemctl daemon-reload; systemctl restart fail2ban; ${UNTIL_FAIL2BAN_ANSWERS}`

/** Restarts fail2ban so that it can write only its own files and these paths, with these capabilities. */
export const confine = (paths: string, capabilities = 'CAP_NET_ADMIN'): string =>
  `mkdir -p ${DROP_IN}; touch /var/log/fail2ban.log; printf '%s\\n' '[Service]' ProtectSystem=strict 'ReadWritePaths=-/run/fail2ban -/var/lib/fail2ban -/var/log/fail2ban.log' 'ReadWritePaths=${paths}' 'CapabilityBoundingSet=CAP_DAC_READ_SEARCH ${capabilities}' >${DROP_IN}/override.conf; ${RESTART_FAIL2BAN}`
export const UNCONFINE = `rm -r ${DROP_IN}; ${RESTART_FAIL2BAN}`

/**
 * The sabotages of a group are done at once, and one run of `verify` has to name all of them: none hides another. Each is
 * done on the release that it depends on most.
 */
export const SABOTAGES: Readonly<
  Record<'bookworm' | 'trixie' | 'testing', readonly (readonly Sabotage[])[]>
> = {
  bookworm: [
    [
      {
        what: 'KILL_ROUTE with a target that the kernel does not have',
        commands: killRoute('/usr/sbin/iptables -I INPUT -s $TARGET$ -j CHAOS'),
        failing: {
          conf: /KILL_ROUTE/,
          commands: /KILL_ROUTE ended with exit code \d+: .*-j CHAOS/,
          'cut-off': /KILL_ROUTE/,
        },
      },
      {
        what: 'hosts.allow with an address in place of the network',
        commands: 'sed -i s,192.168.1.0/255,192.168.1.10/255, /etc/hosts.allow',
        failing: {
          'hosts-allow': /^\/etc\/hosts\.allow:\d+: 192\.168\.1\.10\/255\.255\.255\.0 has host bits set/,
        },
      },
      {
        what: 'a jail that reads another log',
        commands: jailOption('logpath', '/var/log/dpkg.log'),
        failing: {
          'jail-files': /portsentry\.conf:\d+: logpath of the portsentry jail is "\/var\/log\/dpkg\.log"/,
          effective: /logpath = .*decided by .*portsentry\.conf:\d+/,
          'jail-bans': /a new line in the history does not lead to a ban/,
        },
      },
      {
        what: 'fail2ban that does not start at boot',
        commands: 'systemctl disable fail2ban',
        undo: 'systemctl enable fail2ban',
        failing: { boot: /not started at boot: fail2ban/ },
      },
      {
        what: 'a daemon that is stopped by a signal',
        commands: 'kill -STOP $(pgrep -fx ".*portsentry -atcp")',
        undo: 'kill -CONT $(pgrep -fx ".*portsentry -atcp")',
        failing: { watching: /-atcp does not watch: it is stopped by a signal/ },
      },
      {
        what: 'a firewall script that flushes the rules of all tables',
        commands: 'iptables -t raw -F',
        undo: 'systemctl reload portward-bans',
        failing: { 'ban-set': /its rules are not in force/ },
      },
    ],
    [
      {
        what: 'KILL_ROUTE with a program that does not exist, its complaint hidden',
        commands: killRoute('/usr/sbin/none-such $TARGET$ >/dev/null 2>\\&1'),
        failing: { commands: /exit code 127: \/usr\/sbin\/none-such .* — .*none-such: not found/ },
      },
      {
        what: 'a jail whose log is not there',
        commands: jailOption('logpath', '/var/log/none-such.log'),
        failing: { 'jail-bans': /fail2ban does not start.*portsentry/i },
      },
      {
        what: 'a history that nobody can write or empty',
        commands:
          'touch /var/lib/portsentry/portsentry.history; chattr +i /var/lib/portsentry/portsentry.history',
        undo: 'chattr -i /var/lib/portsentry/portsentry.history',
        failing: { writable: /portsentry\.history \(the history that fail2ban reads\): it is immutable/ },
      },
      {
        what: 'bans.conf with a database that is not fail2ban’s',
        commands: 'sed -i "s|^database = .*|database = /var/lib/none-such.sqlite3|" /etc/portward/bans.conf',
        failing: { 'ban-set': /^\/etc\/portward\/bans\.conf: not as portward wrote it/ },
      },
    ],
    [
      // First, since a daemon that starts builds its ignore list again.
      {
        what: 'portsentry in another mode',
        commands: `sed -i s/atcp/stcp/ /etc/default/portsentry; ${restart12('stcp')}`,
        undo: restart12('atcp'),
        failing: { daemons: /portsentry runs as -audp and -stcp, should run as -atcp and -audp/ },
      },
      {
        what: 'iptables -A behind a rule that accepts the second of two open ports',
        commands: `${killRoute('/usr/sbin/iptables -A INPUT -s $TARGET$ -j DROP')}; iptables -I INPUT -p tcp --dport ${SECOND_PORT} -j ACCEPT; systemd-run -q --unit=second python3 -m http.server ${SECOND_PORT}; until grep -qi :${SECOND_PORT.toString(16)} /proc/net/tcp; do sleep 0.1; done`,
        undo: `systemctl stop second; iptables -D INPUT -p tcp --dport ${SECOND_PORT} -j ACCEPT`,
        failing: {
          'cut-off': new RegExp(`gets through after .*KILL_ROUTE has no effect on port ${SECOND_PORT}`),
        },
      },
      {
        what: 'the LAN lost from the list that portsentry builds',
        commands: 'sed -i /^192.168.1.0/d /etc/portsentry/portsentry.ignore',
        failing: {
          'ignore-list': /portsentry\.ignore lacks 192\.168\.1\.0\/24/,
          allowlisted: /acts on 192\.168\.1\.\d+ \(the LAN 192\.168\.1\.0\/24\)/,
        },
      },
      {
        what: 'a ban action whose program is missing',
        commands: `${jailOption('banaction', 'nftables-allports')}; if [ -e /usr/sbin/nft ]; then mv /usr/sbin/nft /usr/sbin/nft.away; fi`,
        undo: 'if [ -e /usr/sbin/nft.away ]; then mv /usr/sbin/nft.away /usr/sbin/nft; fi',
        failing: {
          'jail-files': /banaction of the portsentry jail is "nftables-allports"/,
          'jail-bans': /lists the host as banned, but it still gets through to ports? \d+.*: .*nft/,
        },
      },
    ],
    [
      {
        what: 'an ignore list that covers everybody',
        commands: "printf '0.0.0.0/1\\n128.0.0.0/1\\n' >>/etc/portsentry/portsentry.ignore",
        failing: { 'cut-off': /portsentry\.ignore:\d+: because of this line portsentry ignores/ },
      },
      {
        what: 'no room for the history',
        commands:
          'mount -t tmpfs -o size=64k full /var/lib/portsentry; touch /var/lib/portsentry/portsentry.history; dd if=/dev/zero of=/var/lib/portsentry/all bs=4k || true',
        undo: 'umount /var/lib/portsentry',
        failing: { writable: /portsentry\.history \(the history that fail2ban reads\): no space is left/ },
      },
      {
        what: 'fail2ban’s action missing',
        commands: 'rm /usr/local/lib/portward/action.py',
        failing: {
          'ban-set': /^\/usr\/local\/lib\/portward\/action\.py: not as portward wrote it/,
          'jail-bans': /action\.py/,
        },
      },
      {
        what: 'portsentry stopped',
        commands: STOP_PORTSENTRY,
        undo: 'systemctl start portsentry',
        failing: { daemons: /portsentry is not running, should run as/ },
      },
      {
        what: 'fail2ban stopped',
        commands: 'systemctl stop fail2ban',
        undo: `systemctl start fail2ban; ${UNTIL_FAIL2BAN_ANSWERS}`,
        failing: { jail: /is not running/ },
      },
    ],
  ],
  trixie: [
    [
      {
        what: 'one of the daemons stopped and disabled',
        commands: 'systemctl disable --now portsentry@audp',
        undo: 'systemctl enable --now portsentry@audp',
        failing: {
          daemons: /portsentry runs as -atcp, should/,
          boot: /not started at boot: portsentry@audp/,
        },
      },
      {
        what: 'the unit of the bans stopped and disabled',
        commands: 'systemctl disable --now portward-bans',
        undo: 'systemctl enable --now portward-bans',
        failing: {
          boot: /not started at boot: .*portward-bans/,
          'ban-set': /or the unit that loads them is not running/,
        },
      },
      {
        what: 'a jail without the allowlist',
        commands: jailOption('ignoreip', '127.0.0.0/8'),
        failing: {
          'jail-files': /ignoreip of the portsentry jail is/,
          'jail-allowlisted': /the jail has banned 192\.168\.1\.\d+/,
        },
      },
    ],
  ],
  testing: [
    [
      {
        what: 'portsentry that hangs in opening its BLOCKED_FILE, a FIFO',
        // The previous daemon has no file open: it can be killed, and so can the one that hangs.
        commands: `sed -i 's|^BLOCKED_FILE=.*|BLOCKED_FILE="/tmp/blocked"|' ${CONF}; setpriv --reuid nobody --clear-groups mkfifo /tmp/blocked; systemctl restart portsentry; until grep -qx 'wait_for_partner' /proc/$(pgrep -x portsentry)/wchan; do sleep 0.1; done`,
        undo: 'pkill -KILL -x portsentry; rm /tmp/blocked; systemctl reset-failed portsentry; systemctl restart portsentry; until [ -n "$(pgrep -x portsentry)" ]; do sleep 0.1; done',
        failing: {
          conf: /BLOCKED_FILE as "\/tmp\/blocked"/,
          watching: /it has no packet socket open, and waits in wait_for_partner/,
        },
      },
      {
        what: 'the ignore list with an address in place of the network',
        commands: 'sed -i s,^192.168.1.0/24,192.168.1.10/24, /etc/portsentry/portsentry.ignore',
        failing: {
          'ignore-list': /^\/etc\/portsentry\/portsentry\.ignore:\d+: 192\.168\.1\.10\/24 has host bits set/,
          allowlisted: /acts on 192\.168\.1\.\d+ \(the LAN 192\.168\.1\.0\/24\)/,
        },
      },
      {
        what: 'a filter that another file overrides',
        commands:
          "printf '[Definition]\\nfailregex = ^none <HOST>$\\n' >/etc/fail2ban/filter.d/portsentry-2.local",
        failing: { filter: /filter portsentry-2 does not match/ },
      },
      {
        what: 'the set of KILL_ROUTE missing',
        commands: 'iptables -t raw -F; ipset destroy portward-hosts4',
        undo: 'systemctl reload portward-bans',
        failing: { 'ban-set': /its rules are not in force/ },
      },
      {
        what: 'a jail that reads the journal',
        commands: jailOption('backend', 'systemd'),
        failing: {
          'jail-files': /portsentry\.conf:\d+: backend of the portsentry jail is "systemd"/,
          'jail-bans': /a new line in the history does not lead to a ban/,
        },
      },
    ],
    [
      {
        what: 'portsentry in another mode',
        commands:
          "mkdir -p /etc/systemd/system/portsentry.service.d; printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/portsentry --connect\\n' >/etc/systemd/system/portsentry.service.d/other.conf; systemctl daemon-reload; systemctl restart portsentry; until pgrep -fx '.*portsentry --connect'; do sleep 0.1; done",
        undo: 'rm -r /etc/systemd/system/portsentry.service.d; systemctl daemon-reload; systemctl restart portsentry',
        failing: { daemons: /portsentry runs as --connect, should run as portsentry without arguments/ },
      },
      {
        what: 'KILL_ROUTE that never ends',
        commands: killRoute('sleep 99 # $TARGET$'),
        failing: {
          commands: /KILL_ROUTE ended with exit code 137: sleep 99 .* — did not end within/,
          'cut-off': /KILL_ROUTE has no effect on port/,
        },
      },
      {
        what: 'a jail.local that disables the jail',
        commands: "printf '[portsentry]\\nenabled = false\\n' >/etc/fail2ban/jail.local",
        failing: {
          'jail-files': /^\/etc\/fail2ban\/jail\.local:2: enabled of the portsentry jail is "false"/,
          effective: /decided by \/etc\/fail2ban\/jail\.local:2/,
          'jail-bans': /does not load the portsentry jail/,
        },
      },
      // Last: fail2ban starts with the changes of all others.
      {
        what: 'fail2ban in a sandbox that keeps its action from the firewall',
        commands: confine('-/tmp', ''),
        undo: UNCONFINE,
        failing: {
          'fail2ban-rights': /in its sandbox fail2ban may not change the firewall: it lacks CAP_NET_ADMIN/,
        },
      },
    ],
  ],
}

const KEPT =
  'etc/portsentry etc/fail2ban etc/default etc/hosts.allow etc/portward usr/local/lib/portward/action.py'
const COPY = '/root/before-sabotage.tar'

export const KEEP_FILES = `tar -cpf ${COPY} -C / ${KEPT}`
export const PUT_FILES_BACK = `cd / && rm -rf ${KEPT} && tar -xpf ${COPY} -C /`

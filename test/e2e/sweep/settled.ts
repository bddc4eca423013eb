import { eventually } from '../harness/eventually.ts'
import type { Server } from '../harness/server.ts'

const PORTSENTRY_CONF = '/etc/portsentry/portsentry.conf'
/** user::rw- user:daemon:r-- group::r-- mask::r-- other::---, as the kernel keeps it. */
const ACCESS = '0x0200000001000600ffffffff020004000100000004000400ffffffff10000400ffffffff20000000ffffffff'

/**
 * A server of the floor `installed` that an admin has set up manually, with special links, modes, owners, times, an ACL and a
 * firewall. Both daemons are running; a LAN host is banned.
 */
export const settle = async (server: Server): Promise<void> => {
  await server.run(`
    mkdir -p /srv/managed && mv /etc/hosts.allow /srv/managed/hosts.allow && ln -s ../srv/managed/hosts.allow /etc/hosts.allow
    printf '# of our own\\nsshd: 198.51.100.7\\n' >>/srv/managed/hosts.allow
    chown root:adm /srv/managed/hosts.allow && chmod 0640 /srv/managed/hosts.allow
    printf 'ALL: 192.168.1.20\\n' >>/etc/hosts.deny
    printf '[sshd]\\nbackend = systemd\\n' >/etc/fail2ban/jail.d/sshd.local
    printf '[portsentry]\\n# not yet\\nenabled = false\\n' >/etc/fail2ban/jail.d/portsentry.conf
    chown daemon:adm /etc/fail2ban/jail.d/portsentry.conf && chmod 0640 /etc/fail2ban/jail.d/portsentry.conf
    setfattr -n user.note -v ours /etc/fail2ban/jail.d/portsentry.conf
    setfattr -n system.posix_acl_access -v ${ACCESS} ${PORTSENTRY_CONF}
    touch -d '2024-05-06 07:08:09.123456789' /etc/fail2ban/jail.d/portsentry.conf ${PORTSENTRY_CONF} /srv/managed/hosts.allow /etc/hosts.deny
    iptables -A INPUT -s 198.51.100.66 -j DROP
    iptables -I INPUT -s 192.168.1.20 -j DROP
    systemctl restart fail2ban`)
  // Debian 13 starts no daemon by itself.
  await server.run(
    '! test -e /lib/systemd/system/portsentry@.service || systemctl enable --now portsentry@tcp',
  )
  await eventually('both daemons run', () => server.run('fail2ban-client ping && pgrep -x portsentry'))
}

/** Makes an apply do all kinds of steps: units that do not start at boot, a file that is no longer needed. */
export const drift = async (server: Server): Promise<void> => {
  await server.run(`
    systemctl disable portsentry fail2ban
    printf "# written by portward\\n[sshd]\\nbackend = systemd\\n" >/etc/fail2ban/jail.d/portward-sshd.local
    touch -d '2024-01-01' /etc/fail2ban/jail.d/portward-sshd.local`)
}

#!/bin/sh
# What an article about portsentry has its reader run, as a script: packages, edits with sed, lines appended to lists, both
# daemons started anew. It asks for nothing, so a second run does all of it again.
set -eu
# shellcheck source=/dev/null
. /root/config.env
export DEBIAN_FRONTEND=noninteractive

echo 'portsentry portsentry/warn_no_block string ""' | debconf-set-selections
apt-get install -y --no-install-recommends portsentry iptables tcpd

sed -i -e 's/^TCP_MODE="tcp"/TCP_MODE="atcp"/' -e 's/^UDP_MODE="udp"/UDP_MODE="audp"/' /etc/default/portsentry

conf=/etc/portsentry/portsentry.conf
sed -i -e 's/^BLOCK_UDP="0"/BLOCK_UDP="1"/' -e 's/^BLOCK_TCP="0"/BLOCK_TCP="1"/' $conf
sed -i 's/^RESOLVE_HOST = "0"/RESOLVE_HOST = "1"/' $conf
sed -i 's/^KILL_ROUTE/#&/' $conf
# shellcheck disable=SC2016
sed -i 's|^#KILL_ROUTE="/sbin/iptables -I INPUT -s $TARGET$ -j DROP"|KILL_ROUTE="/sbin/iptables -I INPUT -s $TARGET$ -j CHAOS"|' $conf

echo "ALL: ${LAN_IP}/${LAN_NM}" >>/etc/hosts.allow
echo "${LAN_IP}/${LAN_NM}" >>/etc/portsentry/portsentry.ignore.static
# Debian 13 has a unit for each mode instead.
portsentry=portsentry
if [ -e /usr/lib/systemd/system/portsentry@.service ]; then portsentry='portsentry@atcp portsentry@audp'; fi
# shellcheck disable=SC2086
systemctl enable $portsentry
# shellcheck disable=SC2086
systemctl restart $portsentry

apt-get install -y --no-install-recommends fail2ban python3-systemd
: >/var/lib/portsentry/portsentry.history
cat >/etc/fail2ban/jail.d/portsentry.conf <<'JAIL'
[portsentry]
enabled = true
JAIL
systemctl restart fail2ban

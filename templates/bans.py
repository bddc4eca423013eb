"""Loads the ban rules and the bans in fail2ban's database into the kernel. Needs neither portward nor node. Kept by portward."""
import configparser, ipaddress, os, sqlite3, subprocess, sys, time

(parser := configparser.ConfigParser(interpolation=None)).read('/etc/portward/bans.conf')
CONF = parser['bans']

def run(command, text=None):
    subprocess.run(command, shell=text is None, check=True, input=text, text=True, stdout=subprocess.DEVNULL, timeout=60)

def line(verb, address, seconds=0):
    """Lines of the backend's script, none unless it is a host. ipv6_prefix bans a network as well, but never a protected host."""
    try: host = ipaddress.ip_address(address.replace('%', ' '))  # the tools take no scope
    except ValueError: return ''
    wide = ipaddress.ip_network((address, CONF.getint('ipv6_prefix') if host.version == 6 else 32), strict=False)
    is_wide = wide.num_addresses > 1 and not any(wide.overlaps(ipaddress.ip_network(each)) for each in CONF['protected6'].split())
    sets = [(f'hosts{host.version}', host)] + ([('networks6', wide)] if is_wide else [])
    timeout = CONF['timeout'].format(seconds) if 0 < seconds <= 2_147_483 else ''  # the kernel's longest; fail2ban ends others
    return ''.join(CONF[verb].format(set=name, element=each, timeout=timeout) + '\n' for name, each in sets)

def deny(addresses, mode='a'):  # the file that hosts.deny names; 'w': these and no others
    if path := CONF['denied']:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(new := path + '.new' if mode == 'w' else path, mode) as file:
            file.writelines(f'[{each}]\n' if ':' in each else f'{each}\n' for each in addresses)
        os.chmod(new, 0o644), os.replace(new, path)  # fail2ban's umask is 077

def load():
    left = 'CASE WHEN bantime < 0 THEN 0 ELSE CAST(timeofban + bantime - ? AS INTEGER) END'  # a prolonged one has fractions
    query = f"SELECT ip, {left} AS left FROM bips WHERE jail = 'portsentry' AND (bantime < 0 OR left > 0)"
    try:
        bans = sqlite3.connect(f"file:{CONF['database']}?mode=ro", uri=True).execute(query, [int(time.time())]).fetchall()
    except sqlite3.Error as error:
        bans = print(f"{CONF['database']}: {error}", file=sys.stderr) or []
    lines = {address: line('add', address, seconds) for address, seconds in bans}
    with open(CONF['rules']) as rules: run(CONF['script'].split(), rules.read() + ''.join(lines.values()))
    run(CONF['hook'])
    deny(filter(lines.get, lines), 'w')

if __name__ == '__main__':
    sys.tracebacklimit = 0; load()  # what it runs has said what is wrong

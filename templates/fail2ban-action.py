"""fail2ban's action for jail portsentry: fail2ban remembers who is banned, the kernel keeps them out. Kept by portward."""
import os, runpy, subprocess, threading, time, types
from fail2ban.server.action import ActionBase

class Action(ActionBase):
    banEpoch, _prolongable = 0, True
    def __init__(self, jail, name, **options):
        super().__init__(jail, name)
        self.lines, self.addresses, self.lock = [], [], threading.RLock()

    def start(self):
        """Loads all bans at once. fail2ban restores its own one by one after this, and bans stay when it stops."""
        self.bans = types.ModuleType('bans')
        with open('/usr/local/lib/portward/bans.py') as file: exec(file.read(), self.bans.__dict__)
        self.bans.load()

    def stop(self): self.write()
    def clearAllParams(self): pass
    def reload(self, **options): self.start()
    def consistencyCheck(self, beforeRepair=None): self.bans.load()

    def ban(self, info):
        # KILL_ROUTE has banned the host for that time already, unless it comes back or is banned by hand.
        if not info['restored']: self.put(info, info['bantime'] == self.bans.CONF.getint('bantime'))
    def prolong(self, info): self.put(info, False)
    def by_hand(self, **options): return runpy.run_path('/usr/local/lib/portward/by-hand.py')['run'](self, **options)

    def put(self, info, keeps_time):
        address, end = str(info['ip']), info['time'] + info['bantime']
        seconds = max(1, int(end - time.time())) if info['bantime'] >= 0 else 0
        # Kernels before 6.12 keep the timeout of an element that is there, and `delete` is slow.
        lines = [self.bans.line(verb, address, seconds) for verb in (('add',) if keeps_time else ('add', 'delete', 'add'))]
        if not all(lines): raise ValueError(f'{address} is not the address of a host: not banned')
        with self.lock:
            if not self.lines: threading.Timer(0.05, self.write).start()  # in a flood many bans are one transaction
            self.lines += lines
            self.addresses.append(address)

    def write(self, last='', stays=lambda each: True):
        with self.lock:
            lines, addresses, self.lines, self.addresses = self.lines, self.addresses, [], []
            if not lines and not last: return
            try: self.bans.run(self.bans.CONF['script'].split(), ''.join(lines) + last)
            except subprocess.SubprocessError:  # another program has removed the rules
                self.bans.load()
                self.bans.run(self.bans.CONF['script'].split(), ''.join(lines) + last)
            # portsentry 1.2 never bans a host in its list of blocked hosts again.
            for path in filter(os.path.isfile, self.bans.CONF['blocked'].split()): os.truncate(path, 0)
            self.bans.deny(addresses)
            if last and os.path.isfile(path := self.bans.CONF['denied']):
                with open(path) as file: self.bans.deny(filter(stays, [each.strip('[]\n') for each in file]), 'w')

    def unban(self, info):
        address = str(info['ip'])
        self.write(self.bans.line('add', address) + self.bans.line('delete', address), lambda each: each != address)

    def flush(self):
        if self._jail.actions.active:  # for `unban --all`; not when fail2ban stops, where bans stay in force
            self.write(self.bans.CONF['flush'] + '\n', lambda each: False)
        return True

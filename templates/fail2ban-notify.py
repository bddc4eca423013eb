"""fail2ban's action that tells others about bans of jail portsentry, by one of its stock actions. Kept by portward."""
import queue, threading
from fail2ban.client.actionreader import ActionReader
from fail2ban.server.action import ActionBase, CommandAction
from fail2ban.server.utils import Utils

class Stock(CommandAction):
    @staticmethod
    def executeCmd(command, timeout=60, **options):
        # Without fail2ban's lock: while a mail server hangs, the commands of all other jails' actions would wait for it.
        return Utils.executeCmd(command, timeout, shell=True, output=False, **options)

# The message about the bans of a period that were not announced, in the form of the stock action.
TEXT = '<more> more hosts have been banned by jail <name> and were not announced one by one. They are in: portward report'
SUMMARIES = {
    'sendmail': 'printf %b "Subject: [Fail2Ban] <name>: banned <more> more from <fq-hostname>\\nDate: `LC_ALL=C date -R`\\n'
                'From: <sendername> <<sender>>\\nTo: <dest>\\n\\n' + TEXT + '\\n" | <mailcmd>',
    'apprise': 'printf %b "' + TEXT + '" | <apprise> -n warning -t "[Fail2Ban] <name>: banned <more> more from `uname -n`"',
}

class Action(ActionBase):
    # Options: `stock`, the action; at most `most` bans in so many `seconds`; all others are the stock action's own.
    norestored, banEpoch, _prolongable = True, 0, False
    def __init__(self, jail, name, **options):
        super().__init__(jail, name)
        self.options, self.lock, self.work, self.timer = options, threading.Lock(), queue.Queue(), None
        threading.Thread(target=self.carry_out, daemon=True).start()  # no ban waits for a message

    def start(self):
        own = dict(self.options)
        name, self.most, self.seconds = own.pop('stock'), int(own.pop('most')), int(own.pop('seconds'))
        (reader := ActionReader(name, self._jail.name, own)).read(), reader.getOptions({})
        stock = Stock(self._jail, self._name)
        for key, value in reader.getCombined().items(): setattr(stock, key, value)
        stock.actionstart, stock.summary, self.stock = '', SUMMARIES.get(name, ':'), stock

    def reload(self, **options): self.options = options; self.start()
    def stop(self): self.work.put(None)
    def reban(self, info): pass
    def clearAllParams(self): pass
    def ban(self, info):
        if self.options['stock'] == 'abuseipdb' and not info['matches']: return  # banned by hand: no scan to report
        with self.lock:
            if self.timer is None:
                self.left, self.more, self.timer = self.most, 0, threading.Timer(self.seconds, self.end_period)
                self.timer.daemon = True; self.timer.start()
            if self.left: self.left -= 1; self.work.put(info)
            else: self.more += 1

    def end_period(self):
        with self.lock:
            self.timer = None
            if self.more: self.work.put(self.more)

    def carry_out(self):
        for info in iter(self.work.get, None):
            try:  # fail2ban logs what fails
                if isinstance(info, int): self.stock.more = str(info)
                self.stock._processCmd(*(('<summary>', {}) if isinstance(info, int) else ('<actionban>', info)))
            except Exception as error: self._logSys.error('%s: %s', self._name, error)

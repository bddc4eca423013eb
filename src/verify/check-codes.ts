import type { Description } from '../problem-codes.ts'

/** Each check of verify, by its stable code: what it tests; what it means if that is not so, and what to do then. */
export const CHECK_CODES = {
  accepts: {
    title: 'this portsentry, newer than those that portward was tried with, accepts what portward needs',
    meaning:
      'Asked without being started, portsentry refused a key of its configuration or an option that portward needs, or could not be asked.',
    action:
      'Install an earlier portsentry, or a portward that knows this one; the other checks show whether it bans.',
  },
  allowlisted: {
    title: 'the LAN and the whitelist are never cut off',
    meaning: 'In the copy of this server a host that config.env protects was cut off after a scan.',
    action: 'Run portward apply; if it fails again, portward explain ADDRESS shows which file decides.',
  },
  'ban-set': {
    title: 'the ban set is in the kernel, and its files are as config.env asks',
    meaning:
      'The rules that refuse banned hosts are missing from the kernel, or their files were changed, so bans have no effect.',
    action:
      'Run portward apply, which loads them; if something removes them again, look for other firewall managers.',
  },
  'bans-in-force': {
    title: 'the kernel keeps out every host that fail2ban has banned',
    meaning: 'fail2ban lists hosts as banned that the ban set does not have, so they can reach this server.',
    action:
      'Run systemctl restart portward-bans, which loads all bans again; portward bans shows which were missing.',
  },
  boot: {
    title: 'both daemons and the ban set start at boot',
    meaning: 'After the next boot the server would be without what is not started.',
    action: 'Run portward apply, which enables it.',
  },
  commands: {
    title: 'what portsentry does about a scanner works',
    meaning: 'A command in portsentry.conf, such as KILL_ROUTE, failed in the copy of this server.',
    action:
      'Correct the command that the check names, or remove it from portsentry.conf; portward apply sets KILL_ROUTE.',
  },
  conf: {
    title: 'portsentry.conf is valid, and says what config.env asks for',
    meaning:
      'portsentry does not start over its configuration, or reads a value in it as something else than config.env asks for.',
    action:
      'Follow the hint: portward apply corrects what it can, the rest is the line that the check names.',
  },
  'cut-off': {
    title: 'a scanner is cut off',
    meaning:
      'A host that scanned the copy of this server was not acted on, or could still reach an open port of it.',
    action: 'Look at the checks before it, which show where the ban was lost; then run portward apply.',
  },
  daemons: {
    title: 'portsentry runs in the modes of config.env',
    meaning: 'portsentry is not running, or watches in other modes than TCP_MODE and UDP_MODE ask for.',
    action: 'Run portward apply; if the daemon stops again, journalctl -t portsentry says why.',
  },
  drift: {
    title: 'the server is as config.env says',
    meaning: 'Something was changed since the last apply, or config.env was.',
    action: 'See portward plan, then run portward apply, or correct config.env.',
  },
  effective: {
    title: "fail2ban's own dump shows the jail as config.env asks",
    meaning:
      'fail2ban would start the portsentry jail with other values than config.env asks for, as a file that is read later overrides them.',
    action: 'See portward plan for the file and line; remove the line there, or give it the same value.',
  },
  'fail2ban-rights': {
    title: "fail2ban's action has the rights that bans and releases require",
    meaning:
      "The sandbox of fail2ban's unit forbids what its action needs, so bans are not made or not released.",
    action: 'Change the unit as the hint says, and restart fail2ban.',
  },
  filter: {
    title: "the jail's filter matches what this portsentry writes",
    meaning:
      'fail2ban does not recognize the lines that this portsentry writes to its history, and so bans nobody.',
    action: 'Run portward apply, which replaces the filter.',
  },
  'hosts-allow': {
    title: 'hosts.allow lets the LAN and the whitelist in',
    meaning:
      'A rule in hosts.allow refuses a host that config.env protects, or lets everybody in, so that bans in hosts.deny have no effect.',
    action: 'Run portward apply, or correct the line that the check names.',
  },
  'ignore-list': {
    title: 'portsentry ignores the LAN and the whitelist',
    meaning:
      'The ignore list is missing, is not read, or lacks hosts that config.env protects, so portsentry acts on them.',
    action: 'Run portward apply, which completes it.',
  },
  installed: {
    title: 'portsentry and fail2ban are installed',
    meaning: 'Without both packages nobody is banned.',
    action: 'Run portward apply, which installs what is missing.',
  },
  jail: {
    title: 'fail2ban has loaded the portsentry jail',
    meaning:
      'The running fail2ban does not have the jail that config.env asks for, or has one that it turns off.',
    action: 'Run portward apply; if the jail is missing again, the log of fail2ban says why.',
  },
  'jail-allowlisted': {
    title: 'fail2ban does not ban the LAN or the whitelist',
    meaning: 'In the copy of this server fail2ban banned a host that config.env protects.',
    action:
      "Run portward apply; if it fails again, look for an ignoreip of the portsentry jail in fail2ban's other files.",
  },
  'jail-bans': {
    title: 'fail2ban bans the hosts in the history',
    meaning:
      'In the copy of this server fail2ban did not ban a scanner that portsentry had written to its history.',
    action: 'Look at the checks of the filter and the jail, then run portward apply.',
  },
  'jail-files': {
    title: "fail2ban's files say what config.env asks for",
    meaning: 'The files of fail2ban define another jail than config.env asks for.',
    action: 'See portward plan, then run portward apply.',
  },
  lab: {
    title: 'a copy of this server in its own network',
    meaning:
      'The copy in which verify scans could not be made, or is not like the server in everything, so that less is proven.',
    action: 'Run portward verify as root, where namespaces are allowed; install what the hint names.',
  },
  metrics: {
    title: 'the metrics for Prometheus are written',
    meaning:
      'The file that METRICS names is missing or old, so monitoring shows numbers that are no longer true.',
    action:
      'See systemctl status portward-metrics.timer and journalctl -u portward-metrics; portward apply starts the timer.',
  },
  names: {
    title: 'hosts that are protected by name have their addresses of today',
    meaning:
      'A name has no good answer, so that its last addresses stay protected, or the timer that follows it does not run.',
    action:
      'See what getent ahosts NAME says, and systemctl status portward-names.timer; portward refresh looks at once.',
  },
  networks: {
    title: 'config.env covers the private networks of this server',
    meaning: 'The server is on a private network whose hosts would be banned after a scan.',
    action:
      'Add the network to WHITELIST, or to UNTRUSTED if its hosts may be banned; then run portward apply.',
  },
  noticed: {
    title: 'portsentry notices scans',
    meaning: 'portsentry did not notice a scan of the copy of this server, in a mode that should have.',
    action: 'Look at the ports in portsentry.conf, and at what the check of the daemons says.',
  },
  notices: {
    title: 'others can be told about bans',
    meaning:
      'What NOTIFY or ABUSEIPDB_KEY_FILE asks for would not be sent: a program or a file is missing, others can read a secret, or fail2ban has not loaded the action.',
    action: 'Follow the hint; portward report --send then sends a message.',
  },
  observes: {
    title: 'portsentry logs scanners and does not cut them off',
    meaning: 'config.env asks portsentry only to log scanners, and yet one was cut off.',
    action: 'Look for KILL_ROUTE and KILL_RUN_CMD in portsentry.conf, then run portward apply.',
  },
  'portsentry-rights': {
    title: 'portsentry has the rights that a ban requires',
    meaning: "The sandbox of portsentry's unit forbids what a ban needs.",
    action: 'Change the unit as the hint says, and restart portsentry.',
  },
  rule: {
    title: "the ban is in the kernel's own list",
    meaning: 'KILL_ROUTE was run for a scanner, but no rule, set or route of the kernel names it.',
    action:
      'Run portward apply, which sets KILL_ROUTE; harmless if a KILL_ROUTE that you wrote bans in another way.',
  },
  timers: {
    title: 'the timers that config.env asks for run',
    meaning: 'A timer that config.env asks for is not running, or what it started last has failed.',
    action: 'Run portward apply, which starts it; why a run failed, its journal says.',
  },
  watching: {
    title: 'the running portsentry has its sockets open',
    meaning: 'portsentry runs but hears nothing, or only some interfaces, so scans are not noticed.',
    action: 'Run portward apply, which restarts it; if it hangs again, see journalctl -t portsentry.',
  },
  wrapped: {
    title: 'which daemons use hosts.allow and hosts.deny',
    meaning: 'A ban in hosts.deny refuses a host only to daemons that are linked with libwrap.',
    action: 'Nothing has to be done: the firewall bans for all others.',
  },
  wrappers: {
    title: 'hosts.deny refuses the scanner, hosts.allow lets the LAN in',
    meaning: 'libwrap, asked with tcpdmatch, lets a banned host in or refuses one that config.env protects.',
    action: 'Run portward apply, or correct the line of hosts.allow that the check names.',
  },
  writable: {
    title: 'what a ban has to write can be written now',
    meaning:
      'A file system is full or read-only, or a file is protected against changes, so that the next ban would be lost or would not be recorded.',
    action: 'Free space, or make it writable, as the hint says.',
  },
} as const satisfies Record<string, Description>

export type CheckCode = keyof typeof CHECK_CODES

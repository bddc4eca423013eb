/** What a code stands for, in sentences for the admin. */
export interface Description {
  /** A few words, as a headline. */
  readonly title: string
  /** What is so, and why it matters. */
  readonly meaning: string
  /** What to do about it, or when it is harmless. */
  readonly action: string
}

/** Every problem that portward can report, by its stable code. `docs/problems.md` and the schema are tested against it. */
export const PROBLEM_CODES = {
  address: {
    title: 'Invalid LAN address',
    meaning: 'LAN_IP is not an IPv4 address that a LAN can use.',
    action: "Set it to this server's address in its LAN, or leave out both LAN_IP and LAN_NM.",
  },
  'address-family': {
    title: 'IPv6 address in LAN_IP',
    meaning: 'LAN_IP takes IPv4 only.',
    action: 'Set the IPv4 address there, and add IPv6 networks to WHITELIST.',
  },
  'also-decides': {
    title: 'Default that reaches the portsentry jail',
    meaning: 'A [DEFAULT] option in another file of fail2ban applies to the portsentry jail too.',
    action: 'Harmless if you meant it for all jails; else move it into those that need it.',
  },
  'at-work': {
    title: 'Another run in progress',
    meaning: 'An apply or a rollback is changing this server right now.',
    action: 'Wait until it has finished, then ask again.',
  },
  'bad-ban-list': {
    title: 'Unreadable list of bans',
    meaning:
      'The list given to portward ban is neither the document of portward bans --json nor one address a line.',
    action: 'Correct what the message names; nobody was banned.',
  },
  'bad-capture': {
    title: 'Unreadable capture',
    meaning: 'The capture given to detect could not be read.',
    action: 'Check that it is a complete pcap or pcapng file.',
  },
  'bad-config': {
    title: 'Unreadable config.env',
    meaning: 'config.env exists but could not be read.',
    action: 'Correct what the message names, such as permissions or a link.',
  },
  'bad-ignore-line': {
    title: 'Invalid line in the ignore list',
    meaning: 'portsentry does not start over this line of its ignore list.',
    action: 'Correct or remove the line.',
  },
  'bad-value': {
    title: 'Invalid value',
    meaning: 'A value is outside what the setting allows.',
    action: 'Correct it as the hint says.',
  },
  'ban-target': {
    title: 'BAN_TARGET cannot be used',
    meaning:
      'This kernel does not accept the BAN_TARGET that config.env asks for, or it could not be tried; bans use DROP instead.',
    action: 'Set BAN_TARGET=DROP, or install what the message names.',
  },
  'blank-after-equals': {
    title: 'Blank after the equals sign',
    meaning: 'A shell does not read NAME= value as an assignment of the value.',
    action: 'Write NAME=value without blanks around the sign.',
  },
  'blind-portsentry': {
    title: 'Firewall hides scans',
    meaning:
      'The firewall drops packets before this portsentry can see them, so that scans of those ports are not noticed.',
    action: 'Allow the watched ports there, or count on the firewall alone.',
  },
  'blocked-file': {
    title: 'Unsafe BLOCKED_FILE',
    meaning: 'Others than root can put a file where portsentry keeps its blocked hosts.',
    action: 'Leave BLOCKED_FILE out, or choose a directory that only root can write to.',
  },
  broadcast: {
    title: 'Broadcast address in LAN_IP',
    meaning: 'LAN_IP is the broadcast address of its network.',
    action: "Set this server's own address.",
  },
  'byte-order-mark': {
    title: 'Byte order mark',
    meaning: 'config.env begins with a byte order mark, which a shell takes for text.',
    action: 'Save the file without one.',
  },
  'cannot-set': {
    title: 'Setting cannot be changed safely',
    meaning: 'A file is written in a way that leaves no safe place for the setting.',
    action: 'Change the named line by hand as the hint says.',
  },
  'config-mode': {
    title: 'config.env writable by others',
    meaning: 'Others than root may write to config.env, and so decide what root does.',
    action: 'Remove their write permission.',
  },
  'config-owner': {
    title: 'config.env owned by another user',
    meaning: 'config.env does not belong to root, so its owner could decide what root does.',
    action: 'Give it to root with chown.',
  },
  'config-place': {
    title: 'Unsafe directory of config.env',
    meaning: 'Others than root could replace config.env, because they can write to a directory above it.',
    action: 'Keep it in /root, or correct the permissions.',
  },
  crlf: {
    title: 'Windows line ends',
    meaning: 'A shell takes the carriage return for a part of the value.',
    action: 'Convert config.env to LF line ends.',
  },
  'cut-value': {
    title: 'Value cut short',
    meaning: 'portsentry reads only the first part of a value in portsentry.conf.',
    action: 'Write the value without the quote, tab or non-ASCII byte.',
  },
  'default-not-used': {
    title: 'Default not used for the portsentry jail',
    meaning:
      'A [DEFAULT] option in another file of fail2ban would harm the portsentry jail, so the jail sets its own.',
    action: 'Harmless: nothing has to be done.',
  },
  duplicate: {
    title: 'Variable set twice',
    meaning: 'config.env sets one variable on two lines.',
    action: 'Keep one of them.',
  },
  empty: {
    title: 'Empty value',
    meaning: 'A variable that needs a value is empty.',
    action: 'Set it as the hint says, or remove the line.',
  },
  escape: {
    title: 'Ambiguous backslash escape',
    meaning: 'Programs that read config.env understand this escape differently.',
    action: 'Write the value in single quotes.',
  },
  expansion: {
    title: 'Dollar sign that a shell expands',
    meaning: 'A shell that sources config.env would replace this part of the value.',
    action: 'Write ${NAME} for a variable set above, or put the value in single quotes.',
  },
  'fail2ban-fault': {
    title: 'fail2ban would not start',
    meaning: 'A value or a line in the files of fail2ban keeps it from starting.',
    action: 'Correct it before you apply.',
  },
  'fail2ban-file-skipped': {
    title: 'File ignored by fail2ban',
    meaning: 'This fail2ban ignores a file that is not UTF-8.',
    action: 'Save it as UTF-8 if its settings are to count.',
  },
  'fail2ban-jail-skipped': {
    title: 'Jail not loaded by fail2ban',
    meaning: 'fail2ban starts without a jail that names a filter or an action that does not exist.',
    action: 'Name one that exists, or disable the jail.',
  },
  'fail2ban-no-log': {
    title: 'Jail without a log',
    meaning: 'fail2ban does not start, because an enabled jail has no log file to read.',
    action: 'Create the log, disable the jail, or have it read the journal.',
  },
  failed: {
    title: 'portward failed',
    meaning: 'Something could not be read or run, so there is no plan.',
    action: 'The message names the cause, the hint what to do.',
  },
  firewalld: {
    title: 'firewalld removes bans',
    meaning: 'firewalld empties the iptables tables whenever it starts, stops or is reloaded.',
    action: 'Choose a ban backend with a table of its own, as the hint says.',
  },
  'from-environment': {
    title: 'Value from the environment',
    meaning:
      'The environment overrides what config.env says, so a timer or another shell may see another value.',
    action: 'Unset the variable, or write the value into the file.',
  },
  'hidden-assignment': {
    title: 'Second assignment on one line',
    meaning: 'A shell that sources config.env sees an assignment that portward does not read.',
    action: 'Give it a line of its own.',
  },
  'history-file': {
    title: 'Unsafe HISTORY_FILE',
    meaning: "portsentry's history is not in a directory for logs.",
    action: 'Set HISTORY_FILE as the hint says.',
  },
  'ignore-file': {
    title: 'Different IGNORE_FILE',
    meaning:
      'portsentry reads another ignore list than the one that gets the whitelist, so the LAN could be banned.',
    action: 'Set IGNORE_FILE as the hint says.',
  },
  'ignoreip-file': {
    title: 'File in ignoreip has no effect',
    meaning:
      "fail2ban's ignoreip names a file that is missing, could not be read, or that this fail2ban does not read.",
    action: 'Create the file or list the addresses themselves; fail2ban reads files since 1.1.1.',
  },
  'ignoreip-lost': {
    title: 'ignoreip does not reach the jail',
    meaning: "Addresses in fail2ban's default ignoreip are not protected in the portsentry jail.",
    action: 'Add them to WHITELIST if they are to be protected.',
  },
  interrupted: {
    title: 'Interrupted run',
    meaning: 'An apply or a rollback was cut off, and the server may be half changed.',
    action: 'Run portward apply or portward rollback, which takes care of it first.',
  },
  'ipv6-lan': {
    title: 'Unprotected IPv6 network',
    meaning: 'This server is on a local IPv6 network whose hosts can be banned.',
    action: 'Add the network to WHITELIST, or to UNTRUSTED if that is what you want.',
  },
  'jail-fault': {
    title: 'Invalid jail file',
    meaning: 'fail2ban would refuse the jail file of portsentry.',
    action: 'Correct the line, or remove the file and apply again.',
  },
  'lan-elsewhere': {
    title: 'Server not in its LAN',
    meaning: 'LAN_IP and LAN_NM name a network that this server is not in.',
    action: 'Correct them, and add networks elsewhere to WHITELIST.',
  },
  'lan-internet': {
    title: 'LAN on the default route',
    meaning:
      'The network in LAN_IP and LAN_NM leads to the Internet, so unknown hosts there are never banned.',
    action: 'Name your LAN, or leave out both variables.',
  },
  'lan-routed': {
    title: 'LAN behind a router',
    meaning: 'This server reaches the network in LAN_IP and LAN_NM only through a router.',
    action: 'Harmless, but WHITELIST is the place for such a network.',
  },
  'lan-wide': {
    title: 'LAN wider than the network',
    meaning: 'LAN_NM protects more addresses than the network of this server has.',
    action: 'Narrow it, or add the wider network to WHITELIST.',
  },
  'launcher-not-found': {
    title: 'portward is not where systemd looks',
    meaning: 'A timer that config.env asks for would not find the program portward.',
    action: 'Install the Debian package, or link bin/portward to /usr/local/bin/portward.',
  },
  'lenient-hosts-allow': {
    title: 'Rule that opens a service to everybody',
    meaning: 'A rule in hosts.allow lets everybody in, so bans in hosts.deny have no effect on that service.',
    action: 'Harmless where the firewall bans; else name only trusted hosts.',
  },
  'line-overlong': {
    title: 'Line too long for portsentry',
    meaning: 'portsentry 2.x reads a line of over 1023 characters in pieces, and does not start.',
    action: 'Shorten it.',
  },
  'line-refused': {
    title: 'Line refused by portsentry',
    meaning: 'portsentry does not start over this line of portsentry.conf.',
    action: 'Comment it out.',
  },
  'long-line': {
    title: 'Line too long',
    meaning: 'portsentry reads this line in pieces, or does not start over it.',
    action: 'Shorten the line.',
  },
  'malformed-line': {
    title: 'Malformed assignment',
    meaning: 'A line names a variable but does not set it.',
    action: 'Write NAME=value at the start of the line.',
  },
  'malformed-value': {
    title: 'Malformed value',
    meaning: 'The value is neither one word nor one quoted text.',
    action: 'Put the whole value in single quotes.',
  },
  'metrics-directory': {
    title: 'No directory for the metrics',
    meaning:
      'The directory of the file that METRICS names does not exist, so node_exporter could not read it.',
    action: 'Install prometheus-node-exporter, make the directory, or correct METRICS.',
  },
  missing: {
    title: 'Missing variable',
    meaning: 'LAN_IP and LAN_NM belong together, and one that is needed is not set.',
    action: 'Add it, or leave out both on a server without a LAN.',
  },
  'missing-file': {
    title: 'Missing package file',
    meaning: 'A file is missing although its package is installed.',
    action: 'Reinstall the package with the command in the hint.',
  },
  'missing-key': {
    title: 'Missing key in portsentry.conf',
    meaning: 'portsentry 1.2 does not start without this key.',
    action: 'Set it.',
  },
  'multi-line': {
    title: 'Value over several lines',
    meaning: 'A value runs over more than one line.',
    action: 'Close the quote on the line where it opens.',
  },
  'near-miss': {
    title: 'Unknown variable',
    meaning: 'config.env sets a variable whose name is close to one that portward knows.',
    action: 'Correct the name; harmless if another program uses it.',
  },
  'needs-systemd': {
    title: 'systemd is needed',
    meaning: 'This release of portsentry has no init script, and systemd does not run here.',
    action: 'Run portward where systemd runs.',
  },
  netmask: {
    title: 'Invalid netmask',
    meaning: 'LAN_NM is not a netmask.',
    action: 'Write it as 255.255.255.0, 24 or /24.',
  },
  'netmask-hole': {
    title: 'Netmask whose bits are not contiguous',
    meaning: 'The bits of LAN_NM are not contiguous.',
    action: 'Write it as 255.255.255.0, 24 or /24.',
  },
  'netmask-wide': {
    title: 'Netmask too wide',
    meaning: 'LAN_NM would protect most of the Internet.',
    action: 'Set the mask of the LAN alone.',
  },
  'no-command': {
    title: 'Missing command',
    meaning: 'A setting asks portsentry to act on a scanner, but no command is set for that.',
    action: 'Set the command that the message names, or another way to block.',
  },
  'no-config': {
    title: 'No config.env',
    meaning: 'There is no config.env where portward looks for it.',
    action: 'Run portward init, which proposes one, or name another file with --config.',
  },
  'no-database': {
    title: 'Bans lost at a restart',
    meaning: 'fail2ban is set to keep no database, and forgets bans when it restarts.',
    action: 'Remove the dbfile line to keep them.',
  },
  'no-ignore-file': {
    title: 'Missing ignore list',
    meaning: 'portsentry does not start without its ignore list.',
    action: 'Create the file.',
  },
  'no-mail-program': {
    title: 'No program to send mail',
    meaning: 'NOTIFY has a mail address, but there is no /usr/sbin/sendmail on this server.',
    action: 'Install and configure an MTA, such as msmtp-mta or postfix, or remove the address from NOTIFY.',
  },
  'no-mode': {
    title: 'No mode set',
    meaning: 'TCP_MODE and UDP_MODE are both empty, so nothing would be watched.',
    action: 'Set at least one of them.',
  },
  'no-ports': {
    title: 'No ports to watch',
    meaning: 'portsentry does not start without ports in portsentry.conf.',
    action: 'Set TCP_PORTS or UDP_PORTS.',
  },
  'no-portsentry': {
    title: 'portsentry is not installed',
    meaning: 'Neither an installed portsentry nor a version to install was found.',
    action: 'Install it, or update the package lists.',
  },
  'no-recipient': {
    title: 'A summary for nobody',
    meaning: 'NOTIFY_DIGEST asks for a summary of each day, but NOTIFY is empty.',
    action: 'Name the recipients in NOTIFY, or leave NOTIFY_DIGEST empty.',
  },
  'no-timers': {
    title: 'No timers without systemd',
    meaning: 'config.env asks for something that a timer of systemd does, and this server runs another init.',
    action: 'Have cron run the command that the message names.',
  },
  'not-an-assignment': {
    title: 'Line that is not an assignment',
    meaning: 'portward does not read this line of config.env.',
    action: 'Harmless if another program does; else write it as NAME=value.',
  },
  'not-as-before': {
    title: 'Rollback left differences',
    meaning: 'Everything that was replaced is restored, but something still differs from before.',
    action: 'Correct what the message names by hand.',
  },
  'not-in-this-release': {
    title: 'Setting not in this release',
    meaning:
      'The installed portsentry cannot do what a variable asks for, or lacks a key or an option that portward needs.',
    action: 'Remove the variable, or change it as the hint says.',
  },
  'not-looked-at': {
    title: 'Not everything was checked',
    meaning: 'A part of the server could not be read without root, or from here.',
    action: 'Run portward as root on the server itself to know.',
  },
  'not-released': {
    title: 'Ban not released',
    meaning: 'A ban could not be removed from one of the places that hold it.',
    action: 'Correct what the message names, then run unban again.',
  },
  'odd-entry': {
    title: 'Ignore entry that ignores one address',
    meaning: 'portsentry takes an entry with /0 for that one address.',
    action: 'List the networks that it is to ignore.',
  },
  'odd-value': {
    title: 'Value read differently',
    meaning: 'portsentry takes a value in portsentry.conf for something other than it says.',
    action: 'Write the value that you mean.',
  },
  overridden: {
    title: 'Jail option overridden',
    meaning: 'A file of fail2ban that is read later overrides the portsentry jail.',
    action: 'Remove the line, or give it the same value.',
  },
  'refused-line': {
    title: 'Line that stops portsentry',
    meaning: 'portsentry would not start over this line of its configuration or ignore list.',
    action: 'The hint says whether the plan corrects it or comments it out.',
  },
  'resolves-first': {
    title: 'DNS delays bans',
    meaning:
      'With RESOLVE_HOST this portsentry waits for DNS before it acts, and sees no other scanner meanwhile.',
    action: 'Leave RESOLVE_HOST out.',
  },
  sandbox: {
    title: 'Sandbox prevents bans',
    meaning: 'The systemd sandbox of a service forbids what a ban needs.',
    action: 'Change the unit as the hint says.',
  },
  'secret-file': {
    title: 'File with a secret is missing or open',
    meaning:
      'A file with a key or with URLs that config.env names does not exist, others than root can read it, or its content is not what it should be.',
    action: 'Make it as the hint says; portward never shows what is in it.',
  },
  'ssh-client': {
    title: 'Your SSH address is not protected',
    meaning: 'An SSH session comes from an address that could be banned.',
    action: 'Add it to WHITELIST before you apply.',
  },
  'stale-name': {
    title: 'Name without a new answer',
    meaning:
      'A name that is protected has no answer today that can be used, so the addresses of its last good answer stay protected.',
    action:
      'See what getent ahosts NAME says on the server; nothing else is needed if the host will be back.',
  },
  substitution: {
    title: 'Command substitution',
    meaning: 'portward never runs commands from config.env.',
    action: 'Write the value itself.',
  },
  'too-long': {
    title: 'Value too long',
    meaning: 'A value grows beyond the limit once its references are expanded.',
    action: 'Write the value itself.',
  },
  ufw: {
    title: 'ufw is on',
    meaning: 'ufw is on, and bans go before its rules; ufw status does not show them.',
    action: 'Harmless unless the message says that ufw removes them: then follow the hint.',
  },
  'unbalanced-quote': {
    title: 'Quote not closed',
    meaning: 'A value has a quote that is not closed.',
    action: 'Close it on the same line.',
  },
  unconfirmed: {
    title: 'Confirmation pending',
    meaning: 'An apply with --confirm-within will be rolled back unless it is confirmed.',
    action: 'Run portward confirm to keep it.',
  },
  'unknown-banaction': {
    title: 'Unknown ban action',
    meaning: 'fail2ban has no action of the name in BANACTION.',
    action: 'Name one of the files in /etc/fail2ban/action.d.',
  },
  'unknown-reference': {
    title: 'Unknown reference',
    meaning: 'A value refers to a variable that has no plain value above.',
    action: 'Set that variable first.',
  },
  'unmarked-hosts': {
    title: 'Hosts of unknown origin stay protected',
    meaning: 'An earlier version did not record why these hosts are protected, so they stay.',
    action: 'Run portward apply on the server, or delete those that you do not want.',
  },
  unprintable: {
    title: 'Unprintable character',
    meaning: 'portsentry would cut the value off at this character.',
    action: 'Use printable ASCII only.',
  },
  'unprotected-dependency': {
    title: 'Unprotected dependency',
    meaning: 'This server depends on a host that could be banned after a forged packet.',
    action: 'Add its address to WHITELIST.',
  },
  'unprotected-network': {
    title: 'Unprotected network',
    meaning: 'This server is on a private network whose hosts can be banned.',
    action: 'Protect it as the hint says, or add it to UNTRUSTED.',
  },
  'unread-line': {
    title: 'Line not read by portsentry',
    meaning: 'portsentry ignores this line.',
    action: 'Correct it if it is to count; else it is harmless.',
  },
  unreadable: {
    title: 'Unreadable file',
    meaning: 'A file that the plan needs could not be read.',
    action: 'Correct what the message names, or run portward as root.',
  },
  'unresolved-dependency': {
    title: 'Dependency given by name',
    meaning: 'This server depends on hosts that are given by name, and that are not known to be protected.',
    action: 'Set WHITELIST_SERVICES=1, or add their names or addresses to WHITELIST, unless they are there.',
  },
  'unresolved-name': {
    title: 'Name without an address',
    meaning:
      'A name in WHITELIST has never had an answer that can be used, so that nothing can be protected by it.',
    action: 'Correct the name or the name servers of the server, or write an address instead.',
  },
  'unsupported-release': {
    title: 'Unsupported portsentry',
    meaning: 'The installed portsentry has a layout that this portward does not support.',
    action: 'Nothing was changed; use a supported release.',
  },
  'untold-release': {
    title: 'Release cannot be determined',
    meaning: 'The tree does not show which portsentry it is for.',
    action: 'Add the files that the hint names, or give --release.',
  },
  'untried-portsentry': {
    title: 'portsentry newer than those tried',
    meaning:
      'portward was not tried with this version of portsentry. It is asked what it accepts; the message says what it answered, or why it could not be asked.',
    action: 'Run portward verify: it scans a copy of the server and shows whether scanners are banned.',
  },
  untrusted: {
    title: 'Invalid entry in UNTRUSTED',
    meaning: 'An entry of UNTRUSTED is neither an address nor a network.',
    action: 'Write networks that this server is on.',
  },
  'untrusted-protected': {
    title: 'Network both protected and untrusted',
    meaning: 'UNTRUSTED has a network that LAN_IP and LAN_NM or WHITELIST protect.',
    action: 'Remove it from one of them.',
  },
  unwritable: {
    title: 'File or firewall cannot be changed',
    meaning: 'Something that has to be written for a step or a ban cannot be written.',
    action: 'Remove the obstacle that the message names.',
  },
  whitelist: {
    title: 'Invalid entry in WHITELIST',
    meaning: 'An entry of WHITELIST is neither an address nor a network nor the full name of a host.',
    action: 'Write addresses, networks, or full names such as home.example.net.',
  },
  'whitelist-host-bits': {
    title: 'Network with host bits',
    meaning: 'An entry of WHITELIST has bits set beyond its prefix, and is taken as the network.',
    action: 'Harmless if you meant the network; else write the address alone.',
  },
  'whitelist-long': {
    title: 'WHITELIST too long',
    meaning: 'WHITELIST has more entries than portsentry can compare with each packet.',
    action: 'Name networks instead of addresses.',
  },
  'whitelist-wide': {
    title: 'Network too wide in WHITELIST',
    meaning: 'An entry of WHITELIST covers a large part of the Internet.',
    action: 'Name smaller networks.',
  },
  'whitelist-world': {
    title: 'WHITELIST covers half the Internet',
    meaning: 'Together, the protected networks leave too few hosts to be banned.',
    action: 'Remove those that you do not know.',
  },
} as const satisfies Record<string, Description>

export type ProblemCode = keyof typeof PROBLEM_CODES

interface Description {
  /** A few words, as a headline. */
  readonly title: string
  /** For the admin: what it means, and what to do or when it is harmless. */
  readonly explanation: string
}

/** Every problem that portward can report, by its stable code. `docs/problems.md` and the schema are tested against it. */
export const PROBLEM_CODES = {
  address: {
    title: 'Invalid LAN address',
    explanation:
      "LAN_IP is not an IPv4 address that a LAN can use. Set it to this server's address in its LAN, or leave out both LAN_IP and LAN_NM.",
  },
  'address-family': {
    title: 'IPv6 address in LAN_IP',
    explanation: 'LAN_IP takes IPv4 only. Set the IPv4 address there, and add IPv6 networks to WHITELIST.',
  },
  'also-decides': {
    title: 'Default that reaches the portsentry jail',
    explanation:
      'A [DEFAULT] option in another file of fail2ban applies to the portsentry jail too. Harmless if you meant it for all jails; else move it into those that need it.',
  },
  'at-work': {
    title: 'Another run in progress',
    explanation:
      'An apply or a rollback is changing this server right now. Wait until it has finished, then ask again.',
  },
  'bad-capture': {
    title: 'Unreadable capture',
    explanation:
      'The capture given to detect could not be read. Check that it is a complete pcap or pcapng file.',
  },
  'bad-config': {
    title: 'Unreadable config.env',
    explanation:
      'config.env exists but could not be read. Correct what the message names, such as permissions or a link.',
  },
  'bad-ignore-line': {
    title: 'Invalid line in the ignore list',
    explanation: 'portsentry does not start over this line of its ignore list. Correct or remove the line.',
  },
  'bad-value': {
    title: 'Invalid value',
    explanation: 'A value is outside what the setting allows. Correct it as the hint says.',
  },
  'ban-target': {
    title: 'BAN_TARGET cannot be used',
    explanation:
      'This kernel does not accept the BAN_TARGET that config.env asks for, or it could not be tried; bans use DROP instead. Set BAN_TARGET=DROP, or install what the message names.',
  },
  'blank-after-equals': {
    title: 'Blank after the equals sign',
    explanation:
      'A shell does not read NAME= value as an assignment of the value. Write NAME=value without blanks around the sign.',
  },
  'blind-portsentry': {
    title: 'Firewall hides scans',
    explanation:
      'The firewall drops packets before this portsentry can see them, so that scans of those ports are not noticed. Allow the watched ports there, or count on the firewall alone.',
  },
  'blocked-file': {
    title: 'Unsafe BLOCKED_FILE',
    explanation:
      'Others than root can put a file where portsentry keeps its blocked hosts. Leave BLOCKED_FILE out, or choose a directory that only root can write to.',
  },
  broadcast: {
    title: 'Broadcast address in LAN_IP',
    explanation: "LAN_IP is the broadcast address of its network. Set this server's own address.",
  },
  'byte-order-mark': {
    title: 'Byte order mark',
    explanation:
      'config.env begins with a byte order mark, which a shell takes for text. Save the file without one.',
  },
  'cannot-set': {
    title: 'Setting cannot be changed safely',
    explanation:
      'A file is written in a way that leaves no safe place for the setting. Change the named line by hand as the hint says.',
  },
  'config-mode': {
    title: 'config.env writable by others',
    explanation:
      'Others than root may write to config.env, and so decide what root does. Remove their write permission.',
  },
  'config-owner': {
    title: 'config.env owned by another user',
    explanation:
      'config.env does not belong to root, so its owner could decide what root does. Give it to root with chown.',
  },
  'config-place': {
    title: 'Unsafe directory of config.env',
    explanation:
      'Others than root could replace config.env, because they can write to a directory above it. Keep it in /root, or correct the permissions.',
  },
  crlf: {
    title: 'Windows line ends',
    explanation:
      'A shell takes the carriage return for a part of the value. Convert config.env to LF line ends.',
  },
  'cut-value': {
    title: 'Value cut short',
    explanation:
      'portsentry reads only the first part of a value in portsentry.conf. Write the value without the quote, tab or non-ASCII byte.',
  },
  'default-not-used': {
    title: 'Default not used for the portsentry jail',
    explanation:
      'A [DEFAULT] option in another file of fail2ban would harm the portsentry jail, so the jail sets its own. Harmless: nothing has to be done.',
  },
  duplicate: {
    title: 'Variable set twice',
    explanation: 'config.env sets one variable on two lines. Keep one of them.',
  },
  empty: {
    title: 'Empty value',
    explanation: 'A variable that needs a value is empty. Set it as the hint says, or remove the line.',
  },
  escape: {
    title: 'Ambiguous backslash escape',
    explanation:
      'Programs that read config.env understand this escape differently. Write the value in single quotes.',
  },
  expansion: {
    title: 'Dollar sign that a shell expands',
    explanation:
      'A shell that sources config.env would replace this part of the value. Write ${NAME} for a variable set above, or put the value in single quotes.',
  },
  'fail2ban-fault': {
    title: 'fail2ban would not start',
    explanation:
      'A value or a line in the files of fail2ban keeps it from starting. Correct it before you apply.',
  },
  'fail2ban-file-skipped': {
    title: 'File ignored by fail2ban',
    explanation:
      'This fail2ban ignores a file that is not UTF-8. Save it as UTF-8 if its settings are to count.',
  },
  'fail2ban-jail-skipped': {
    title: 'Jail not loaded by fail2ban',
    explanation:
      'fail2ban starts without a jail that names a filter or an action that does not exist. Name one that exists, or disable the jail.',
  },
  'fail2ban-no-log': {
    title: 'Jail without a log',
    explanation:
      'fail2ban does not start, because an enabled jail has no log file to read. Create the log, disable the jail, or have it read the journal.',
  },
  failed: {
    title: 'portward failed',
    explanation:
      'Something could not be read or run, so there is no plan. The message names the cause, the hint what to do.',
  },
  firewalld: {
    title: 'firewalld removes bans',
    explanation:
      'firewalld empties the iptables tables whenever it starts, stops or is reloaded. Choose a ban backend with a table of its own, as the hint says.',
  },
  'from-environment': {
    title: 'Value from the environment',
    explanation:
      'The environment overrides what config.env says, so a timer or another shell may see another value. Unset the variable, or write the value into the file.',
  },
  'hidden-assignment': {
    title: 'Second assignment on one line',
    explanation:
      'A shell that sources config.env sees an assignment that portward does not read. Give it a line of its own.',
  },
  'history-file': {
    title: 'Unsafe HISTORY_FILE',
    explanation: "portsentry's history is not in a directory for logs. Set HISTORY_FILE as the hint says.",
  },
  'ignore-file': {
    title: 'Different IGNORE_FILE',
    explanation:
      'portsentry reads another ignore list than the one that gets the whitelist, so the LAN could be banned. Set IGNORE_FILE as the hint says.',
  },
  'ignoreip-lost': {
    title: 'ignoreip does not reach the jail',
    explanation:
      "Addresses in fail2ban's default ignoreip are not protected in the portsentry jail. Add them to WHITELIST if they are to be protected.",
  },
  interrupted: {
    title: 'Interrupted run',
    explanation:
      'An apply or a rollback was cut off, and the server may be half changed. Run portward apply or portward rollback, which takes care of it first.',
  },
  'ipv6-lan': {
    title: 'Unprotected IPv6 network',
    explanation:
      'This server is on a local IPv6 network whose hosts can be banned. Add the network to WHITELIST, or to UNTRUSTED if that is what you want.',
  },
  'jail-fault': {
    title: 'Invalid jail file',
    explanation:
      'fail2ban would refuse the jail file of portsentry. Correct the line, or remove the file and apply again.',
  },
  'lan-elsewhere': {
    title: 'Server not in its LAN',
    explanation:
      'LAN_IP and LAN_NM name a network that this server is not in. Correct them, and add networks elsewhere to WHITELIST.',
  },
  'lan-internet': {
    title: 'LAN on the default route',
    explanation:
      'The network in LAN_IP and LAN_NM leads to the Internet, so unknown hosts there are never banned. Name your LAN, or leave out both variables.',
  },
  'lan-routed': {
    title: 'LAN behind a router',
    explanation:
      'This server reaches the network in LAN_IP and LAN_NM only through a router. Harmless, but WHITELIST is the place for such a network.',
  },
  'lan-wide': {
    title: 'LAN wider than the network',
    explanation:
      'LAN_NM protects more addresses than the network of this server has. Narrow it, or add the wider network to WHITELIST.',
  },
  'lenient-hosts-allow': {
    title: 'Rule that opens a service to everybody',
    explanation:
      'A rule in hosts.allow lets everybody in, so bans in hosts.deny have no effect on that service. Harmless where the firewall bans; else name only trusted hosts.',
  },
  'line-overlong': {
    title: 'Line too long for portsentry',
    explanation:
      'portsentry 2.x reads a line of over 1023 characters in pieces, and does not start. Shorten it.',
  },
  'line-refused': {
    title: 'Line refused by portsentry',
    explanation: 'portsentry does not start over this line of portsentry.conf. Comment it out.',
  },
  'long-line': {
    title: 'Line too long',
    explanation: 'portsentry reads this line in pieces, or does not start over it. Shorten the line.',
  },
  'malformed-line': {
    title: 'Malformed assignment',
    explanation: 'A line names a variable but does not set it. Write NAME=value at the start of the line.',
  },
  'malformed-value': {
    title: 'Malformed value',
    explanation: 'The value is neither one word nor one quoted text. Put the whole value in single quotes.',
  },
  missing: {
    title: 'Missing variable',
    explanation:
      'LAN_IP and LAN_NM belong together, and one that is needed is not set. Add it, or leave out both on a server without a LAN.',
  },
  'missing-file': {
    title: 'Missing package file',
    explanation:
      'A file is missing although its package is installed. Reinstall the package with the command in the hint.',
  },
  'missing-key': {
    title: 'Missing key in portsentry.conf',
    explanation: 'portsentry 1.2 does not start without this key. Set it.',
  },
  'multi-line': {
    title: 'Value over several lines',
    explanation: 'A value runs over more than one line. Close the quote on the line where it opens.',
  },
  'near-miss': {
    title: 'Unknown variable',
    explanation:
      'config.env sets a variable whose name is close to one that portward knows. Correct the name; harmless if another program uses it.',
  },
  'needs-systemd': {
    title: 'systemd is needed',
    explanation:
      'This release of portsentry has no init script, and systemd does not run here. Run portward where systemd runs.',
  },
  netmask: {
    title: 'Invalid netmask',
    explanation: 'LAN_NM is not a netmask. Write it as 255.255.255.0, 24 or /24.',
  },
  'netmask-hole': {
    title: 'Netmask with a hole',
    explanation: 'The bits of LAN_NM are not contiguous. Write it as 255.255.255.0, 24 or /24.',
  },
  'netmask-wide': {
    title: 'Netmask too wide',
    explanation: 'LAN_NM would protect most of the Internet. Set the mask of the LAN alone.',
  },
  'no-command': {
    title: 'Missing command',
    explanation:
      'A setting asks portsentry to act on a scanner, but no command is set for that. Set the command that the message names, or another way to block.',
  },
  'no-config': {
    title: 'No config.env',
    explanation:
      'There is no config.env where portward looks for it. Write one, or name another file with --config.',
  },
  'no-database': {
    title: 'Bans lost at a restart',
    explanation:
      'fail2ban is set to keep no database, and forgets bans when it restarts. Remove the dbfile line to keep them.',
  },
  'no-ignore-file': {
    title: 'Missing ignore list',
    explanation: 'portsentry does not start without its ignore list. Create the file.',
  },
  'no-mode': {
    title: 'No mode set',
    explanation:
      'TCP_MODE and UDP_MODE are both empty, so nothing would be watched. Set at least one of them.',
  },
  'no-ports': {
    title: 'No ports to watch',
    explanation: 'portsentry does not start without ports in portsentry.conf. Set TCP_PORTS or UDP_PORTS.',
  },
  'no-portsentry': {
    title: 'portsentry is not installed',
    explanation:
      'Neither an installed portsentry nor a version to install was found. Install it, or update the package lists.',
  },
  'not-an-assignment': {
    title: 'Line that is not an assignment',
    explanation:
      'portward does not read this line of config.env. Harmless if another program does; else write it as NAME=value.',
  },
  'not-as-before': {
    title: 'Rollback left differences',
    explanation:
      'Everything that was replaced is restored, but something still differs from before. Correct what the message names by hand.',
  },
  'not-in-this-release': {
    title: 'Setting not in this release',
    explanation:
      'The installed portsentry cannot do what a variable asks for. Remove the variable, or change it as the hint says.',
  },
  'not-looked-at': {
    title: 'Not everything was checked',
    explanation:
      'A part of the server could not be read without root, or from here. Run portward as root on the server itself to know.',
  },
  'not-released': {
    title: 'Ban not released',
    explanation:
      'A ban could not be removed from one of the places that hold it. Correct what the message names, then run unban again.',
  },
  'odd-entry': {
    title: 'Ignore entry that ignores one address',
    explanation:
      'portsentry takes an entry with /0 for that one address. List the networks that it is to ignore.',
  },
  'odd-value': {
    title: 'Value read differently',
    explanation:
      'portsentry takes a value in portsentry.conf for something other than it says. Write the value that you mean.',
  },
  overridden: {
    title: 'Jail option overridden',
    explanation:
      'A file of fail2ban that is read later overrides the portsentry jail. Remove the line, or give it the same value.',
  },
  'refused-line': {
    title: 'Line that stops portsentry',
    explanation:
      'portsentry would not start over this line of its configuration or ignore list. The hint says whether the plan corrects it or comments it out.',
  },
  'resolves-first': {
    title: 'DNS delays bans',
    explanation:
      'With RESOLVE_HOST this portsentry waits for DNS before it acts, and sees no other scanner meanwhile. Leave RESOLVE_HOST out.',
  },
  sandbox: {
    title: 'Sandbox prevents bans',
    explanation:
      'The systemd sandbox of a service forbids what a ban needs. Change the unit as the hint says.',
  },
  'ssh-client': {
    title: 'Your SSH address is not protected',
    explanation:
      'An SSH session comes from an address that could be banned. Add it to WHITELIST before you apply.',
  },
  substitution: {
    title: 'Command substitution',
    explanation: 'portward never runs commands from config.env. Write the value itself.',
  },
  'too-long': {
    title: 'Value too long',
    explanation: 'A value grows beyond the limit once its references are expanded. Write the value itself.',
  },
  ufw: {
    title: 'ufw is on',
    explanation:
      'ufw is on, and bans go before its rules; ufw status does not show them. Harmless unless the message says that ufw removes them: then follow the hint.',
  },
  'unbalanced-quote': {
    title: 'Quote not closed',
    explanation: 'A value has a quote that is not closed. Close it on the same line.',
  },
  unconfirmed: {
    title: 'Confirmation pending',
    explanation:
      'An apply with --confirm-within will be rolled back unless it is confirmed. Run portward confirm to keep it.',
  },
  'unknown-banaction': {
    title: 'Unknown ban action',
    explanation:
      'fail2ban has no action of the name in BANACTION. Name one of the files in /etc/fail2ban/action.d.',
  },
  'unknown-reference': {
    title: 'Unknown reference',
    explanation: 'A value refers to a variable that has no plain value above. Set that variable first.',
  },
  'unmarked-hosts': {
    title: 'Hosts of unknown origin stay protected',
    explanation:
      'An earlier version did not record why these hosts are protected, so they stay. Run portward apply on the server, or delete those that you do not want.',
  },
  unprintable: {
    title: 'Unprintable character',
    explanation: 'portsentry would cut the value off at this character. Use printable ASCII only.',
  },
  'unprotected-dependency': {
    title: 'Unprotected dependency',
    explanation:
      'This server depends on a host that could be banned after a forged packet. Add its address to WHITELIST.',
  },
  'unprotected-network': {
    title: 'Unprotected network',
    explanation:
      'This server is on a private network whose hosts can be banned. Protect it as the hint says, or add it to UNTRUSTED.',
  },
  'unread-line': {
    title: 'Line not read by portsentry',
    explanation: 'portsentry ignores this line. Correct it if it is to count; else it is harmless.',
  },
  unreadable: {
    title: 'Unreadable file',
    explanation:
      'A file that the plan needs could not be read. Correct what the message names, or run portward as root.',
  },
  'unresolved-dependency': {
    title: 'Dependency given by name',
    explanation:
      'This server depends on hosts that are known by name only, and portward resolves no names. Add their addresses to WHITELIST, unless they are there.',
  },
  'unsupported-release': {
    title: 'Unsupported portsentry',
    explanation:
      'The installed portsentry has a layout that this portward does not support. Nothing was changed; use a supported release.',
  },
  'untold-release': {
    title: 'Release cannot be determined',
    explanation:
      'The tree does not show which portsentry it is for. Add the files that the hint names, or give --release.',
  },
  untrusted: {
    title: 'Invalid entry in UNTRUSTED',
    explanation:
      'An entry of UNTRUSTED is neither an address nor a network. Write networks that this server is on.',
  },
  'untrusted-protected': {
    title: 'Network both protected and untrusted',
    explanation:
      'UNTRUSTED has a network that LAN_IP and LAN_NM or WHITELIST protect. Remove it from one of them.',
  },
  unwritable: {
    title: 'File or firewall cannot be changed',
    explanation:
      'Something that has to be written for a step or a ban cannot be written. Remove the obstacle that the message names.',
  },
  whitelist: {
    title: 'Invalid entry in WHITELIST',
    explanation:
      'An entry of WHITELIST is neither an address nor a network. Write addresses or networks; names are not resolved.',
  },
  'whitelist-host-bits': {
    title: 'Network with host bits',
    explanation:
      'An entry of WHITELIST has bits set beyond its prefix, and is taken as the network. Harmless if you meant the network; else write the address alone.',
  },
  'whitelist-long': {
    title: 'WHITELIST too long',
    explanation:
      'WHITELIST has more entries than portsentry can compare with each packet. Name networks instead of addresses.',
  },
  'whitelist-wide': {
    title: 'Network too wide in WHITELIST',
    explanation: 'An entry of WHITELIST covers a large part of the Internet. Name smaller networks.',
  },
  'whitelist-world': {
    title: 'WHITELIST covers half the Internet',
    explanation:
      'Together, the protected networks leave too few hosts to be banned. Remove those that you do not know.',
  },
} as const satisfies Record<string, Description>

export type ProblemCode = keyof typeof PROBLEM_CODES

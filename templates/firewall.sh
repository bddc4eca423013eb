#!/bin/sh
# The bans of port scanners, in a place of their own: one address is banned once, in the firewall and in hosts.deny, and
# let go of everywhere at once. portsentry calls it for whom it notices, fail2ban for whom it bans and releases.
#
#   firewall start                 make the place, and put all bans in
#   firewall ensure                the same, unless it was stopped or cleared
#   firewall stop                  take the place away until the next start; the bans stay known
#   firewall clear                 take the place and all bans away
#   firewall check                 is the place as it should be?
#   firewall add ADDRESS [SECONDS [SINCE]]  ban, from then or now; -1: for ever
#   firewall del ADDRESS           release
#   firewall flush                 let go of whomever fail2ban has forgotten, unless it is only being stopped
#   firewall sync                  have all places agree with fail2ban, and end what is over
#
# Kept by portward: changes are undone by the next "portward apply".
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

# BACKEND, TARGET, ALLOWED, BANTIME, DENY, DIALECT, BLOCKED_FILE, HISTORY_FILE, MODES
. /etc/portward/firewall.conf
# 0: an action of somebody's own decides how long, and is not told of anybody.
HANDOVER=${HANDOVER:-1}

# A line a ban: the address, and when the ban ends in seconds since the epoch (0: never).
BANS=/var/lib/portward/bans
# What only has to be known until the next boot.
RUN=/run/portward
# The place was taken away, and not made again since.
CLEARED=$RUN/cleared
# Who was released since the last sync, and when: fail2ban may have been asked just before.
RELEASED=$RUN/released
# Whom fail2ban does not hold though it is banned, and since when.
UNHELD=$RUN/unheld
# fail2ban's process at the last sync, and how many it held.
SERVER=$RUN/server
# When fail2ban said that it let go of all, and who was banned then.
FLUSHED=$RUN/flushed
# Bans for which there was no room among the others.
UNRECORDED=$RUN/unrecorded
# Who is being released, an address a line.
GOING=$RUN/going
HOSTS_DENY=/etc/hosts.deny
# fail2ban is the first to end a ban; what it has not ended by then, ends by itself.
GRACE=60

fail() {
	echo "$1" >&2
	exit 1
}

# One at a time, whoever calls. Never held while fail2ban is asked: it may be waiting for us.
lock() {
	{ mkdir -p "$RUN" && exec 9>"$RUN/lock"; } || fail 'cannot write to /run'
	flock -w 30 9 || fail 'another call does not come to its end'
}
unlock() {
	exec 9>&-
}

# Whoever still calls must not make anew what was taken away, with this program or without.
is_cleared() {
	[ -e "$CLEARED" ] || [ ! -e "$0" ]
}

now() {
	date +%s
}

family() {
	case $1 in
	*:*) echo 6 ;;
	*) echo 4 ;;
	esac
}

# The addresses or networks of one family among words.
of_family() {
	wanted=$1
	shift
	for word; do
		[ "$(family "$word")" = "$wanted" ] && echo "$word"
	done
	return 0
}

# For awk: is this the address of a host, in the form that iptables, nft, ip and portsentry share?
VALID='function valid(a, part, count, i) {
	if (a ~ /^[0-9.]+$/) {
		count = split(a, part, ".")
		for (i = 1; i <= count; i++) if (part[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || part[i] + 0 > 255) return 0
		return count == 4
	}
	if (a !~ /^[0-9a-f:]*:[0-9a-f:]*$/ || a ~ /:::/ || a ~ /::.*::/ || a ~ /^:[^:]/ || a ~ /[^:]:$/) return 0
	count = split(a, part, ":")
	for (i = 1; i <= count; i++) if (length(part[i]) > 4) return 0
	return a ~ /::/ ? count <= 9 : count == 8
}'

# Whether an address is in one of the networks that are never to be banned.
is_allowed() {
	perl -MSocket=inet_pton,AF_INET,AF_INET6 -e '
		sub bits { my $packed = inet_pton($_[0] =~ /:/ ? AF_INET6 : AF_INET, $_[0]); defined $packed ? unpack "B*", $packed : "" }
		my $host = bits(shift);
		for (@ARGV) {
			my ($network, $length) = split m{/};
			my $bits = bits($network);
			exit 0 if length $bits == length $host && substr($bits, 0, $length) eq substr($host, 0, $length);
		}
		exit 1' "$1" $ALLOWED
}

# --- iptables ---------------------------------------------------------------------------------------------------------

ipt() {
	if [ "$1" = 6 ]; then
		shift
		ip6tables -w "$@"
	else
		shift
		iptables -w "$@"
	fi
}

# What bans one address, a rule a line. The targets of xtables-addons know IPv4 alone, two of them TCP alone.
rules_for() {
	case $(family "$1")$2 in
	4TARPIT | 4DELUDE) printf '%s\n' "-s $1 -p tcp -j $2" "-s $1 -j DROP" ;;
	4* | 6REJECT) echo "-s $1 -j $2" ;;
	*) echo "-s $1 -j DROP" ;;
	esac
}

# The whole chain for one family: whoever is never to be banned returns first.
chain() {
	echo '*filter'
	echo ':PORTWARD - [0:0]'
	for network in $(of_family "$1" $ALLOWED); do echo "-A PORTWARD -s $network -j RETURN"; done
	bans | cut -d ' ' -f 1 | awk -v family="$1" -v target="$2" '
		(/:/ ? 6 : 4) != family { next }
		family == 6 && target != "REJECT" { print "-A PORTWARD -s " $1 " -j DROP"; next }
		target == "TARPIT" || target == "DELUDE" {
			print "-A PORTWARD -s " $1 " -p tcp -j " target
			print "-A PORTWARD -s " $1 " -j DROP"
			next
		}
		{ print "-A PORTWARD -s " $1 " -j " target }'
	echo COMMIT
}

restore() {
	if [ "$1" = 6 ]; then ip6tables-restore -w --noflush; else iptables-restore -w --noflush; fi
}

# For awk: does a rule go by where a packet comes from?
BY_SOURCE='function by_source(rule) {
	return rule !~ / ! (-s|--src-range|--mac-source|--match-set) / && rule ~ / -s | --src-range | --mac-source | --match-set [^ ]+ src/
}'

# Chains that are whitelists by their names and accept by source alone, of those that a chain leads to.
whitelists() {
	ipt "$1" -S "$2" | sed -n 's/^-A .* -[jg] \([^ ]*\).*/\1/p' | grep -iE 'white|allow|trust' | sort -u |
		while read -r each; do
			ipt "$1" -S "$each" 2>/dev/null |
				awk "$BY_SOURCE"'$1 == "-A" && / -[jg] / && !/ -j (RETURN|LOG|NFLOG|DROP|REJECT)( |$)/ && !by_source($0) { exit 1 }' &&
				echo "$each"
		done
}

# Which rule of a chain leads to PORTWARD, which is the last that leads to a chain for a whitelist, and which is the first
# behind that, ahead of ours, that may accept wherever it comes from: by itself, or in a chain of somebody's; 0: none.
hooks() {
	ipt "$1" -S "$2" | awk -v white=" $(whitelists "$1" "$2" | tr '\n' ' ')" "$BY_SOURCE"'
		$1 != "-A" { next }
		{
			count++
			for (i = 3; i < NF; i++) if ($i == "-j" || $i == "-g") target = $(i + 1)
			if ($0 == "-A " $2 " -j PORTWARD" && !ours) ours = count
			if (target != "" && index(white, " " target " ")) { last = count; accepts = 0 }
			else if (!ours && !accepts && target !~ /^(DROP|REJECT|LOG|NFLOG|RETURN|f2b-.*|)$/ && !by_source($0) && ($0 !~ / -i lo / || / ! -i lo /)) accepts = count
			target = ""
		}
		END { print ours + 0, last + 0, accepts + 0 }'
}

# The chains from which packets come; Docker asks the admin's own, before its rules for published ports.
entrances() {
	echo INPUT
	echo FORWARD
	ipt "$1" -S DOCKER-USER >/dev/null 2>&1 && echo DOCKER-USER
	return 0
}

is_hooked() {
	set -- $(hooks "$1" "$2")
	[ "$1" -gt "$2" ] && [ "$3" = 0 ]
}

# Behind the admin's own whitelist, and ahead of what would let a banned host in.
hook() {
	is_hooked "$1" "$2" && return 0
	tool=$1 entrance=$2
	set -- $(hooks "$tool" "$entrance")
	if [ "$3" = 0 ]; then position=$(($2 + 1)); else position=$3; fi
	# In one go, and the old one by what it is: its number may be somebody else's rule by now.
	[ "$1" = 0 ] || [ "$1" -ge "$position" ] || position=$((position - 1))
	{
		echo '*filter'
		[ "$1" = 0 ] || echo "-D $entrance -j PORTWARD"
		echo "-I $entrance $position -j PORTWARD"
		echo COMMIT
	} | restore "$tool"
}

# 6 only where the kernel has it.
families() {
	echo 4
	if [ -e /proc/net/if_inet6 ] && ip6tables -w -S INPUT >/dev/null 2>&1; then echo 6; fi
}

iptables_start() {
	for each in $(families); do
		chain "$each" "$TARGET" | restore "$each" 2>/dev/null || chain "$each" DROP | restore "$each" || return 1
		for place in $(entrances "$each"); do hook "$each" "$place" || return 1; done
	done
}

iptables_stop() {
	command -v iptables >/dev/null || return 0
	for each in $(families); do
		ipt "$each" -S PORTWARD >/dev/null 2>&1 || continue
		for place in $(entrances "$each"); do
			while ipt "$each" -D "$place" -j PORTWARD 2>/dev/null; do :; done
		done
		ipt "$each" -F PORTWARD && ipt "$each" -X PORTWARD
	done
}

iptables_check() {
	for each in $(families); do
		rules=$(ipt "$each" -S PORTWARD 2>/dev/null) || return 1
		returning=$(echo "$rules" | awk '$NF == "RETURN" { print $4 }' | sort)
		[ "$returning" = "$(of_family "$each" $ALLOWED | sort)" ] || return 1
		for place in $(entrances "$each"); do is_hooked "$each" "$place" || return 1; done
	done
}

iptables_list() {
	for each in $(families); do
		ipt "$each" -S PORTWARD 2>/dev/null | awk '$3 == "-s" && $NF != "RETURN" { sub(/\/(32|128)$/, "", $4); print $4 }'
	done
}

iptables_add() {
	each=$(family "$1")
	rules_for "$1" "$TARGET" | while read -r rule; do
		ipt "$each" -C PORTWARD $rule 2>/dev/null || ipt "$each" -A PORTWARD $rule 2>/dev/null ||
			ipt "$each" -C PORTWARD -s "$1" -j DROP 2>/dev/null || ipt "$each" -A PORTWARD -s "$1" -j DROP || exit 1
	done || return 1
	# Of no use where somebody has emptied INPUT.
	ipt "$each" -C INPUT -j PORTWARD 2>/dev/null
}

iptables_del() {
	each=$(family "$1")
	ipt "$each" -S PORTWARD 2>/dev/null | awk -v address="$1" '
		$3 == "-s" && $NF != "RETURN" && ($4 == address "/32" || $4 == address "/128") { sub(/^-A/, "-D"); print }' |
		while read -r rule; do ipt "$each" $rule; done
}

# --- nft --------------------------------------------------------------------------------------------------------------

elements() {
	awk '{ printf "%s%s", separator, $0; separator = ", " } END { if (NR) print "" }' | sed 's/..*/elements = { & };/'
}

banned_elements() {
	bans | awk -v family="$1" -v now="$(now)" -v grace="$GRACE" '
		(/:/ ? 6 : 4) != family { next }
		{ rest = $2 + grace - now }
		$2 == 0 || rest > 1000000000 { print $1; next }
		rest > 0 { print $1 " timeout " rest "s" }' | elements
}

table() {
	cat <<EOF
table inet portward
delete table inet portward
table inet portward {
	set allowed { type ipv4_addr; flags interval; $(of_family 4 $ALLOWED | elements) }
	set allowed6 { type ipv6_addr; flags interval; $(of_family 6 $ALLOWED | elements) }
	set banned { type ipv4_addr; flags timeout; $(banned_elements 4) }
	set banned6 { type ipv6_addr; flags timeout; $(banned_elements 6) }
	chain decide {
		ip saddr @allowed return
		ip6 saddr @allowed6 return
		ip saddr @banned drop
		ip6 saddr @banned6 drop
	}
	chain input { type filter hook input priority filter - 1; jump decide; }
	chain forward { type filter hook forward priority filter - 1; jump decide; }
}
EOF
}

nft_start() {
	table | nft -f -
}

nft_stop() {
	command -v nft >/dev/null || return 0
	nft list table inet portward >/dev/null 2>&1 || return 0
	nft delete table inet portward
}

nft_check() {
	for part in 'chain inet portward decide' 'chain inet portward input' 'chain inet portward forward'; do
		nft list $part 2>/dev/null | grep -q -e '@banned6 drop' -e 'jump decide' || return 1
	done
}

set_of() {
	if [ "$(family "$1")" = 6 ]; then echo banned6; else echo banned; fi
}

nft_list() {
	for each in banned banned6; do
		nft list set inet portward "$each" 2>/dev/null | tr ',' '\n' |
			sed -n 's/^[[:blank:]]*elements = {//; s/^[[:blank:]]*\([0-9a-f][0-9a-f]*[.:][0-9a-f.:]*\).*/\1/p'
	done
}

# Added, taken away and added again, in one transaction: the new time counts for an element that is there already.
nft_add() {
	each=$(set_of "$1")
	timeout=
	[ "$2" = 0 ] || timeout=" timeout $2s"
	nft "add element inet portward $each { $1 }; delete element inet portward $each { $1 }; add element inet portward $each { $1$timeout }" 2>/dev/null
}

nft_del() {
	nft "delete element inet portward $(set_of "$1") { $1 }" 2>/dev/null || :
}

# --- routes -----------------------------------------------------------------------------------------------------------

# A metric of its own tells these from the admin's.
route_list() {
	for each in -4 -6; do
		ip $each route show type blackhole 2>/dev/null | awk '/ metric 1( |$)/ { print $2 }'
	done
}

route_add() {
	ip "-$(family "$1")" route replace blackhole "$1" metric 1
}

# Reads addresses.
routes() {
	sed "s/.*/route $1 blackhole & metric 1/" >"$RUN/routes"
	failed=0
	grep -v : "$RUN/routes" | ip -4 -force -batch - 2>/dev/null || failed=1
	# Where IPv6 is off its bans are of no use.
	grep : "$RUN/routes" | ip -6 -force -batch - 2>/dev/null
	rm -f "$RUN/routes"
	return "$failed"
}

route_del() {
	echo "$1" | routes del || :
}

route_start() {
	bans | cut -d ' ' -f 1 | routes replace
}

route_stop() {
	[ -f "$BANS" ] || return 0
	route_list | awk 'FILENAME == "-" { there[$1]; next } $1 in there { print $1 }' - "$BANS" | routes del || :
}

route_check() {
	:
}

# --- hosts.deny and portsentry's blocked file ---------------------------------------------------------------------------

client() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# A file without some of its lines: what awk prints of it takes its place, where that differs. Links are followed.
rewrite() {
	file=$(readlink -f "$1") && [ -f "$file" ] || return 0
	shift
	temporary=${file%/*}/.${file##*/}.portward
	# What a call that was ended in the middle has left.
	[ ! -e "$temporary" ] || rm -f "$temporary"
	awk "$@" "$file" >"$RUN/rewritten" || return 1
	if cmp -s "$RUN/rewritten" "$file"; then
		rm -f "$RUN/rewritten"
		return 0
	fi
	cp -a "$file" "$temporary" && cat "$RUN/rewritten" >"$temporary" && mv "$temporary" "$file"
	rewritten=$?
	rm -f "$RUN/rewritten"
	[ "$rewritten" = 0 ] || rm -f "$temporary"
	return "$rewritten"
}

deny_list() {
	[ ! -f "$HOSTS_DENY" ] || sed -n 's/^ALL:[[:blank:]]*\[\{0,1\}\([0-9a-f.:]*[0-9a-f]\)\]\{0,1\}[[:blank:]]*\(:[[:blank:]]*DENY[[:blank:]]*\)\{0,1\}$/\1/p' "$HOSTS_DENY"
}

deny() {
	[ "$DENY" = 1 ] || return 0
	line="ALL: $(client "$1") : DENY"
	grep -qxF -e "$line" -e "ALL: $1 : DENY" "$HOSTS_DENY" 2>/dev/null && return 0
	[ -e "$HOSTS_DENY" ] || (umask 022 && : >"$HOSTS_DENY") || return 1
	# Without a newline at its end this would be part of the last line.
	[ -z "$(tail -c 1 "$HOSTS_DENY")" ] || echo >>"$HOSTS_DENY" || return 1
	echo "$line" >>"$HOSTS_DENY"
}

# For awk: who is being released.
IS_GOING='BEGIN { while ((getline line < going) > 0) set[line] }'

# Whoever is banned and not in there, all at once: one by one, many would keep everybody else waiting. The first makes
# the file, and ends its last line.
deny_missing() {
	[ "$DENY" = 1 ] || return 0
	deny_list | missing >"$RUN/undenied"
	if read -r address <"$RUN/undenied"; then
		deny "$address" && awk -v deny="$HOSTS_DENY" '
			BEGIN { while ((getline line < deny) > 0) there[line] }
			{ line = "ALL: " (/:/ ? "[" $1 "]" : $1) " : DENY" }
			!(line in there) { print line }' "$RUN/undenied" >"$RUN/denied" && cat "$RUN/denied" >>"$HOSTS_DENY"
	fi
	denied=$?
	rm -f "$RUN/undenied" "$RUN/denied"
	return "$denied"
}

# Of whoever is going: the lines that this wrote, or portsentry where that is told to, and no others.
undeny() {
	rewrite "$HOSTS_DENY" -v going="$GOING" -v ours="$DENY" "$IS_GOING"'{
		line = $0
		isLong = sub(/[ \t]*:[ \t]*DENY[ \t]*$/, "", line)
		sub(/[ \t]+$/, "", line)
		if (sub(/^ALL:[ \t]*/, "", line) && (isLong || ours == 0)) {
			if (line ~ /^\[.*\]$/) line = substr(line, 2, length(line) - 2)
			if (line in set) next
		}
		print
	}'
}

# 2.x: a family in two bytes, then the address. Addresses come in a file, a line each.
records() {
	perl -MSocket=inet_pton,inet_ntop,AF_INET,AF_INET6 -e '
		my ($what, $file, $list) = @ARGV;
		my @addresses;
		if (defined $list) { open my $in, "<", $list or exit 1; @addresses = map { /(\S+)/ } <$in> }
		my %wanted = map { $_ => 1 } @addresses;
		my $text = "";
		if (open my $in, "<:raw", $file) { local $/; $text = <$in> // "" }
		my ($kept, %there) = ("");
		while (length $text >= 2) {
			my $family = unpack "S", $text;
			my $length = 2 + ($family == AF_INET ? 4 : $family == AF_INET6 ? 16 : last);
			last if length $text < $length;
			my $record = substr $text, 0, $length, "";
			my $each = inet_ntop($family, substr $record, 2);
			print "$each\n" if $what eq "list";
			$there{$each} = 1;
			$kept .= $record unless $wanted{$each};
		}
		exit 0 if $what eq "list" || $what eq "forget" && !grep { $there{$_} } @addresses;
		my @missing = grep { !$there{$_} } @addresses;
		my $new = join "", map { my $family = /:/ ? AF_INET6 : AF_INET; pack("S", $family) . inet_pton($family, $_) } @missing;
		open my $out, $what eq "remember" ? ">>:raw" : ">:raw", $file or exit 1;
		print $out $what eq "remember" ? $new : $kept . $text;
		close $out or exit 1' "$@"
}

# In /tmp others may have put something else there.
is_plain() {
	[ ! -L "$1" ] && { [ ! -e "$1" ] || [ -f "$1" ]; }
}

# Of whoever is going. 1.2 reads its files with each packet, so that it notices the host again at once.
forget() {
	[ -n "$BLOCKED_FILE" ] && is_plain "$BLOCKED_FILE" || return 0
	if [ "$DIALECT" != 1.2 ]; then
		[ ! -f "$BLOCKED_FILE" ] || records forget "$BLOCKED_FILE" "$GOING"
		return
	fi
	for each in "$BLOCKED_FILE".*; do
		[ ! -f "$each" ] || rewrite "$each" -v going="$GOING" "$IS_GOING"'{
			host = $0
			sub(/ Port:.*/, "", host)
			sub(/.*\//, "", host)
			if (!(host in set)) print
		}'
	done
}

blocked_list() {
	[ -n "$BLOCKED_FILE" ] || return 0
	if [ "$DIALECT" != 1.2 ]; then
		[ ! -f "$BLOCKED_FILE" ] || records list "$BLOCKED_FILE"
		return
	fi
	cat "$BLOCKED_FILE".* 2>/dev/null | sed -n 's|.*/\([0-9.]*\) Port: .*|\1|p'
}

# A daemon of 1.2 forgets whom it has blocked when it is started, and 2.x when the machine is. Takes the addresses, a
# line each.
remember() {
	if [ "$DIALECT" != 1.2 ]; then
		echo "$1" >"$RUN/remembered"
		records remember "$BLOCKED_FILE" "$RUN/remembered"
		rm -f "$RUN/remembered"
		return
	fi
	for mode in $MODES; do
		case $mode in
		*tcp) protocol=TCP ;;
		*) protocol=UDP ;;
		esac
		echo "$1" | awk -v end="$protocol Blocked" -v history="$HISTORY_FILE" '
			NF { wanted[$1] }
			END {
				while ((getline line < history) > 0) {
					count = split(line, word, " ")
					if (word[count - 1] " " word[count] != end) continue
					host = word[6]
					sub(/.*\//, "", host)
					if (host in wanted) last[host] = line
				}
				for (host in last) print last[host]
			}' >>"$BLOCKED_FILE.$mode"
	done
}

# --- all places -------------------------------------------------------------------------------------------------------

make_record() {
	[ -f "$BANS" ] && return
	mkdir -p "${BANS%/*}" && : >>"$BANS"
}

bans() {
	cat "$BANS" "$UNRECORDED" 2>/dev/null
}

# Where there is no room, a ban is known until there is again, or until the next boot.
record() {
	[ -z "$(tail -c 1 "$BANS")" ] || echo >>"$BANS"
	echo "$1 $2" >>"$BANS" || { echo "$1 $2" >>"$UNRECORDED" && return 1; }
} 2>/dev/null

# One torn line, or what is no address, would keep the whole place from being made.
heal_record() {
	make_record || return 1
	if [ -s "$UNRECORDED" ] && { echo && cat "$UNRECORDED"; } >>"$BANS" 2>/dev/null; then rm -f "$UNRECORDED"; fi
	rewrite "$BANS" "$VALID"' NF == 2 && $2 ~ /^[0-9]+$/ && valid($1) && !seen[$1]++'
}

start() {
	# A record that cannot be written keeps nobody from being banned.
	heal_record || :
	for each in iptables nft route; do [ "$each" = "$BACKEND" ] || "${each}_stop"; done
	"${BACKEND}_start" || return 1
	# A hosts.deny that cannot be written does not make the firewall a worse one.
	deny_missing || :
}

stop() {
	iptables_stop
	nft_stop
	route_stop
}

# When the ban of an address ends; nothing where there is none.
end_of() {
	bans | grep -F "$1 " | awk -v address="$1" '$1 == address { print $2; exit }'
}

forget_end() {
	rewrite "$UNRECORDED" -v address="$1" '$1 != address'
	rewrite "$BANS" -v address="$1" '$1 != address'
}

forget_ends() {
	rewrite "$UNRECORDED" -v going="$GOING" "$IS_GOING"'!($1 in set)'
	rewrite "$BANS" -v going="$GOING" "$IS_GOING"'!($1 in set)'
}

# Bans that are not among the addresses that are read.
missing() {
	awk 'FILENAME == "-" { there[$1]; next } !($1 in there) { print $1 }' - "$BANS"
}

# Of the lines that are read: those that begin with an address which is not among the bans, or whose ban ended before a
# time.
unknown() {
	awk -v bans="$BANS" -v more="$UNRECORDED" -v since="${1:-0}" "$VALID"'
		function know(line, word) { split(line, word, " "); if (word[2] == 0 || word[2] > since) there[word[1]] }
		BEGIN { while ((getline line < bans) > 0) know(line); while ((getline line < more) > 0) know(line) }
		valid($1) && !($1 in there)'
}

# What portsentry bans has the usual time, unless it is banned already; what fail2ban bans, the time that it says.
add() {
	! is_cleared || return 0
	echo "$1" | awk "$VALID"'!valid($1) { exit 1 }' || fail "no address of a host: $1"
	# fail2ban bans them, too, when it is told to by hand.
	! is_allowed "$1" || return 0
	added=0
	make_record || added=1
	known=$(end_of "$1")
	end=$known
	time=$(now)
	if [ -z "$end" ] || [ $# -gt 1 ] || { [ "$end" != 0 ] && [ "$end" -lt "$time" ]; }; then
		seconds=${2:-$BANTIME}
		seconds=${seconds%%.*}
		from=${3:-$time}
		if [ "$seconds" -lt 0 ]; then end=0; else end=$((${from%%.*} + seconds)); fi
		# fail2ban takes up again what it held, each with the time that it began at.
		[ "$end" = 0 ] || [ "$end" -gt "$time" ] || return 0
	fi
	lasts=0
	[ "$end" = 0 ] || [ "$end" -gt $((time + 1000000000)) ] || lasts=$((end + GRACE - time))
	# The firewall first: nothing that cannot be written lets anybody in.
	${BACKEND}_add "$1" "$lasts" || { start && ${BACKEND}_add "$1" "$lasts"; } || added=1
	[ ! -s "$GOING" ] || rewrite "$GOING" -v address="$1" '$1 != address' || added=1
	if [ "$end" != "$known" ]; then
		# What fail2ban let go of before is another ban.
		[ -n "$known" ] || [ ! -s "$FLUSHED" ] || rewrite "$FLUSHED" -v address="$1" '$1 != address' || added=1
		[ -z "$known" ] || forget_end "$1" || added=1
		record "$1" "$end" || added=1
	fi
	# What one place does not take is banned in the others all the same.
	deny "$1" || added=1
	return "$added"
}

# Reads addresses. What cannot be written in one place keeps nobody in the others.
release() {
	# After stop only the place is gone; after clear the record is, too.
	[ -f "$BANS" ] || return 0
	# With whomever a call that failed, or was ended in the middle, has left somewhere.
	cat >>"$GOING"
	[ -s "$GOING" ] || return 0
	released=0
	awk -v now="$(now)" '{ print $1, now }' "$GOING" >>"$RELEASED"
	undeny || released=1
	forget
	forget_ends || released=1
	if is_cleared; then
		:
	elif [ "$(wc -l <"$GOING")" -gt 20 ] && [ "$BACKEND" != route ]; then
		"${BACKEND}_start" || released=1
	elif [ "$BACKEND" = route ]; then
		routes del <"$GOING" || :
	else
		while read -r address; do "${BACKEND}_del" "$address"; done <"$GOING"
	fi
	[ "$released" = 1 ] || rm -f "$GOING"
	return "$released"
}

del() {
	{ is_cleared || make_record; } && echo "$1" | release
}

clear() {
	: >"$CLEARED"
	stop
	[ -f "$BANS" ] || return 0
	cut -d ' ' -f 1 "$BANS" >>"$GOING"
	undeny
	forget
	rm -f "$BANS" "$GOING"
}

# Whom fail2ban holds: the address, and when that ends. Fails where it does not answer or has no such jail.
held() {
	timeout 30 fail2ban-client get portsentry banip --with-time 2>/dev/null
}

server() {
	cat /run/fail2ban/fail2ban.pid 2>/dev/null
}

# Takes what fail2ban holds: whoever was banned when it let go of all, and is not among those, goes.
release_flushed() {
	[ -f "$FLUSHED" ] || return 0
	echo "$1" | cut -f 1 | tr -d ' ' | missing |
		awk -v list="$FLUSHED" 'BEGIN { while ((getline line < list) > 0) set[line] } $1 in set' | release
}

# fail2ban says the same when it is stopped and when somebody has it release all: only then it goes on, and where it does
# not take up again what it held. To wait for that is for a unit of its own, as a child of fail2ban's would be one more
# process that its stop has to wait for. Where that cannot be started the next sync comes to the same.
flush() {
	lock
	if [ -f "$BANS" ]; then
		now >"$FLUSHED"
		cut -d ' ' -f 1 "$BANS" >>"$FLUSHED"
	fi
	unlock
	pid=$(server)
	if [ -d /run/systemd/system ]; then
		systemd-run --quiet --collect --no-block /bin/sh "$0" flushed "$pid" </dev/null >/dev/null 2>&1 || :
	else
		flushed "$pid" </dev/null >/dev/null 2>&1 &
	fi
}

# The rest of it. Takes the process that was flushed.
flushed() {
	kept= again=more
	while [ "$kept" != "$again" ]; do
		sleep 1
		[ "$(server)" = "$1" ] && kept=$(held) || return 0
		sleep 1
		again=$(held) || return 0
	done
	lock
	release_flushed "$kept"
	[ -n "$kept" ] || rm -f "$FLUSHED"
}

# Of the lines that are read: those whose address was not released since that time.
unreleased() {
	awk -v since="$1" -v released="$RELEASED" '
		BEGIN { while ((getline line < released) > 0) { split(line, word, " "); if (word[2] >= since) gone[word[1]] } }
		!($1 in gone)'
}

# Whether fail2ban has taken up again what it held before it was started: it does so one by one.
is_settled() {
	count=$(echo "$kept" | grep -c .)
	before=
	[ ! -f "$SERVER" ] || before=$(cat "$SERVER")
	echo "$(server) $count" >"$SERVER"
	[ "${before%% *}" = "$(server)" ] && [ "$count" -le $((${before##* } + 20)) ]
}

sync() {
	answers=1
	asked=$(now)
	kept=$(held) || answers=0
	lock
	! is_cleared || return 0
	heal_record || :
	placed=0
	${BACKEND}_check || start || placed=1
	time=$(now)
	if [ "$answers" = 1 ]; then
		echo "$kept" | unknown "$time" | unreleased "$asked" | while read -r address day clock plus seconds rest; do
			if [ "$seconds" -ge 0 ]; then
				begin=$(date -d "$day $clock" +%s) || continue
				seconds=$((begin + seconds - $(now)))
				[ "$seconds" -gt 0 ] || continue
			fi
			add "$address" "$seconds"
		done
	fi
	# Over, and nobody has said so: fail2ban did not run then.
	awk -v now="$time" -v grace="$GRACE" '$2 != 0 && $2 + grace < now { print $1 }' "$BANS" >"$RUN/over"
	echo "$kept" | awk -v over="$RUN/over" '
		{ held[$1] }
		END { while ((getline line < over) > 0) if (!(line in held)) print line }' | release
	rm -f "$RUN/over"
	# Rules that somebody restored from before are nobody's ban any more. Other routes may be the admin's.
	[ "$BACKEND" = route ] || [ -z "$("${BACKEND}_list" | unknown)" ] || "${BACKEND}_start"
	# Each with what is left of its time.
	[ -z "$(${BACKEND}_list | missing)" ] || "${BACKEND}_start"
	deny_missing || :
	if [ -n "$BLOCKED_FILE" ] && is_plain "$BLOCKED_FILE"; then
		forgotten=$(blocked_list | missing)
		[ -z "$forgotten" ] || remember "$forgotten"
	fi
	if [ "$HANDOVER" = 0 ] || [ "$answers" = 0 ] || ! is_settled; then
		rm -f "$UNHELD"
		: >"$RELEASED"
		return "$placed"
	fi
	# Only where it was asked well after that: it may have let go of them a moment later.
	if [ -f "$FLUSHED" ] && [ "$(($(head -n 1 "$FLUSHED") + 10))" -lt "$asked" ]; then
		release_flushed "$kept"
		rm -f "$FLUSHED"
	fi
	[ -f "$UNHELD" ] || : >"$UNHELD"
	echo "$kept" | cut -f 1 | tr -d ' ' | missing | unreleased "$asked" |
		awk -v now="$time" -v bans="$BANS" -v seen="$UNHELD" '
			BEGIN {
				while ((getline line < bans) > 0) { split(line, word, " "); end[word[1]] = word[2] }
				while ((getline line < seen) > 0) { split(line, word, " "); first[word[1]] = word[2] }
			}
			end[$1] == 0 || end[$1] > now { print $1, ($1 in first ? first[$1] : now) }' >"$UNHELD.new"
	mv "$UNHELD.new" "$UNHELD"
	: >"$RELEASED"
	unlock
	# Not at once: portsentry may have banned it a moment ago, and fail2ban may still be taking up what it held.
	awk -v now="$time" 'now - $2 >= 50 { print $1 }' "$UNHELD" |
		xargs -r -n 500 timeout 60 fail2ban-client set portsentry banip >/dev/null && return "$placed"
}

case ${1-}:$# in
start:1)
	lock
	rm -f "$CLEARED"
	start
	;;
ensure:1)
	lock
	is_cleared || start
	;;
stop:1)
	lock
	: >"$CLEARED"
	stop
	;;
clear:1)
	lock
	clear
	;;
check:1) "${BACKEND}_check" ;;
flush:1 | sync:1 | flushed:2) "$@" ;;
add:2 | add:3 | add:4 | del:2)
	case $2 in
	'' | *[!0-9a-f.:]*) fail "no address: $2" ;;
	esac
	lock
	"$@"
	;;
*) fail 'usage: firewall start|ensure|stop|clear|check|flush|sync | add ADDRESS [SECONDS [SINCE]] | del ADDRESS' ;;
esac

# The file systems of the lab: its programs can read everything and write everywhere, and none of their writes reaches
# the real files. Runs as process 1 of new namespaces, which the kernel removes with their last process.
# Arguments: the interpreter, the program that it runs, which loads only files of its own directory, and its arguments.
set -eu

fail() {
	echo "$1" >&2
	exit "${2:-78}"
}

for program in ip python3; do
	command -v "$program" >/dev/null || fail "$program is not installed" 69
done

# Entered now, because its path may be hidden below.
interpreter=$1 program=${2##*/}
cd "${2%/*}"
shift 2

# Hides the sockets of running daemons, which are in /run.
mount -t tmpfs -o mode=755 lab /run || fail 'no file system can be mounted here'
mkdir -p /run/lab/real /run/lab/overlays /run/fail2ban /run/lock
cp -r . /run/lab/program
cd /
mount --rbind / /run/lab/real

overlay() {
	count=$((${count:-0} + 1))
	mkdir -p "/run/lab/overlays/$count/upper" "/run/lab/overlays/$count/work"
	mount -t overlay lab -o "lowerdir=/run/lab/real$1,upperdir=/run/lab/overlays/$count/upper,workdir=/run/lab/overlays/$count/work" "$1" 2>/dev/null
}
for directory in /*; do
	case $directory in
	/proc | /sys | /dev | /run | /tmp) ;;
	*) if [ -d "$directory" ] && [ ! -L "$directory" ]; then
		overlay "$directory" || [ "$directory" != /etc ] || fail 'overlay file systems are not available here'
	fi ;;
	esac
done

# The mounts below these are hidden now: overlay each of them, parents first, or bind it read-only if that fails.
sed -n 's|^[^-]* /run/lab/real\(/[^ ]*\) .*|\1|p' /proc/self/mountinfo | sort -u | while read -r path; do
	path=$(printf '%b' "$path")
	case $path in
	/proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /run | /run/* | /tmp | /tmp/*) ;;
	*) if [ -d "$path" ] && ! overlay "$path"; then
		{ mount --bind "/run/lab/real$path" "$path" && mount -o remount,bind,ro "$path"; } || true
	fi ;;
	esac
done
umount -l /run/lab/real
mount -t tmpfs -o mode=1777 lab /tmp
mount -o remount,bind,ro / || fail 'the root file system cannot be made read-only'

# The lab has no name server, and a query without an answer takes seconds.
rm -f /etc/resolv.conf
: >/etc/resolv.conf
[ ! -f /etc/nsswitch.conf ] || sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
ip link set lo up || fail 'the network cannot be set up here'
exec "$interpreter" "/run/lab/program/$program" "$@"

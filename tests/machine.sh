#!/usr/bin/env bash
# Boots a directory with Debian in it as a machine of its own, with namespaces
# for mounts, processes, names and the network, and the Rust of this machine.
#
#   tests/machine.sh ROOT [offline] [bind|robind SOURCE TARGET]...
#
# Prints the process id of its init when it is up (enter it with nsenter), and
# ends, with all that runs in it, when standard input does.
set -euo pipefail

# ------------------------------------------------------- inside, as its init

mount_system() {
  mount --bind "$1" "$1"
  mount -t proc proc "$1/proc"
  mount -t sysfs sysfs "$1/sys"
  mount --rbind /sys/fs/cgroup "$1/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 run "$1/run"
  mkdir -m 1777 "$1/run/lock"
  mount -t tmpfs -o mode=755 dev "$1/dev"
  make_devices "$1/dev"
}

# The machine's own, so that what is done to their modes is done to nobody else.
make_devices() {
  local name
  for name in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "fuse 10 229"; do
    # shellcheck disable=SC2086 # three words
    set -- "$1" $name
    mknod -m 666 "$1/$2" c "$3" "$4"
  done
  mkdir "$1/net" "$1/pts" "$1/shm"
  mknod -m 600 "$1/net/tun" c 10 200
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$1/pts"
  mount -t tmpfs -o mode=1777 shm "$1/shm"
  ln -s pts/ptmx "$1/ptmx"
  ln -s /proc/self/fd "$1/fd"
  ln -s fd/0 "$1/stdin"
  ln -s fd/1 "$1/stdout"
  ln -s fd/2 "$1/stderr"
}

# bind_all ROOT [bind|robind SOURCE TARGET]...: the latter are read-only.
bind_all() {
  local root=$1
  shift
  while [ $# -gt 0 ]; do
    mkdir -p "$root$3"
    mount --bind "$2" "$root$3"
    [ "$1" = bind ] || mount -o remount,bind,ro "$root$3"
    shift 3
  done
}

init() {
  local root=$1 pid
  shift
  mount --make-rprivate /
  mount_system "$root"
  bind_all "$root" "$@"
  ip link set lo up
  hostname bare
  # The number that others know this process by: /proc is still theirs.
  pid=$(readlink /proc/self)
  read -r pid _ </proc/self/stat
  cd "$root"
  mkdir -p .old
  pivot_root . .old
  mount --make-rshared /
  umount --lazy /.old
  rmdir /.old
  echo "$pid" >&3
  exec 3>&-
  # Bash collects the processes that lose their parents.
  read -r _ || true
}

# ------------------------------------------------------------------ outside

main() {
  local root=$1 online=yes pid
  shift
  [ "${1:-}" != offline ] || {
    online=no
    shift
  }
  mkfifo "$root.up"
  unshare --mount --pid --net --uts --ipc --fork --kill-child "$0" --init "$root" "$@" <&0 3>"$root.up" &
  trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
  read -r pid <"$root.up"
  if [ "$online" = yes ]; then
    slirp4netns --configure --disable-host-loopback --ready-fd=3 "$pid" tap0 \
      >"$root.net" 2>&1 </dev/null 3>"$root.up" &
    read -r -n 1 _ <"$root.up"
  fi
  rm "$root.up"
  echo "$pid"
  wait -n
}

if [ "$1" = --init ]; then
  shift
  init "$@"
else
  main "$@"
fi

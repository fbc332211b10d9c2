# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what install.sh sets, and what it uses
# Podman and what it needs, by each platform's own package manager.

podman_wanted=4.3

package_manager() {
  for tool in apt-get dnf pacman zypper apk brew; do
    command -v "$tool" >/dev/null && echo "$tool" && return
  done
  return 0
}

# Without Recommends: runc beside (or for want of) crun, which cannot start containers under hybrid
# cgroups; catatonit is `--init`; slirp4netns, newuidmap and fuse-overlayfs are for users; mmdebstrap
# makes the base image where no registry answers, and curl fetches Zellij.
engine_packages() {
  case $1 in
    apt-get)
      echo podman runc conmon catatonit netavark aardvark-dns iptables slirp4netns uidmap \
        fuse-overlayfs mmdebstrap debian-archive-keyring ca-certificates curl
      ;;
    dnf) echo podman slirp4netns fuse-overlayfs shadow-utils ;;
    pacman) echo podman aardvark-dns slirp4netns fuse-overlayfs shadow ;;
    zypper) echo podman catatonit slirp4netns fuse-overlayfs shadow ;;
    apk) echo podman catatonit slirp4netns fuse-overlayfs shadow-uidmap iptables ;;
    brew) echo podman ;;
  esac
}

# What cargo links with.
linker_packages() {
  case $1 in
    apt-get) echo gcc libc6-dev ;;
    apk) echo gcc musl-dev ;;
    brew) ;;
    *) echo gcc ;;
  esac
}

has_package() {
  case $1 in
    apt-get) [ "$(dpkg-query -W -f='${db:Status-Status}' "$2")" = installed ] ;;
    dnf | zypper) rpm -q --whatprovides "$2" ;;
    pacman) pacman -Qq "$2" ;;
    apk) apk info -e "$2" ;;
    brew) brew list "$2" ;;
  esac >/dev/null 2>&1
}

podman_version() { podman --version 2>/dev/null | sed 's/^podman version \([0-9.]*\).*/\1/'; }

has_podman() {
  found=$(podman_version)
  [ -n "$found" ] && at_least "$found" "$podman_wanted"
}

missing_packages() {
  wanted_packages=$(engine_packages "$1")
  command -v cc >/dev/null || wanted_packages="$wanted_packages $(linker_packages "$1")"
  for package in $wanted_packages; do
    # Podman may have come by another way.
    [ "$package" = podman ] && has_podman && continue
    has_package "$1" "$package" || printf '%s ' "$package"
  done
}

# A run that was killed leaves packages half configured, and apt-get refuses all until they are not.
apt_install() {
  [ -z "$(dpkg --audit)$(ls /var/lib/dpkg/updates)" ] || as_root dpkg --configure -a
  as_root apt-get update || say "  not every list of packages could be fetched: going on with what there is"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=60 install -y --no-install-recommends "$@"
}

install_with() {
  manager=$1
  shift
  case $manager in
    apt-get) apt_install "$@" ;;
    dnf) as_root dnf install -y "$@" ;;
    pacman) as_root pacman -S --needed --noconfirm "$@" ;;
    zypper) as_root zypper --non-interactive install "$@" ;;
    apk) as_root apk add "$@" ;;
    brew) run brew install "$@" ;;
  esac
}

# Where the packages come from, for whoever cannot reach it.
package_servers() {
  # shellcheck disable=SC2016 # apt-get's own variable
  case $1 in
    apt-get) apt-get indextargets --format '$(SITE)' 2>/dev/null | sort -u | tr '\n' ' ' ;;
  esac
}

install_packages() {
  step "Looking for Podman $podman_wanted or newer, and its helpers"
  manager=$(package_manager)
  if [ -z "$manager" ]; then
    has_podman || fail 1 "Podman $podman_wanted or newer is not there, nor a package manager that this script knows" \
      "install Podman (https://podman.io), then $again"
    return
  fi
  missing=$(missing_packages "$manager")
  if [ -n "$missing" ]; then
    say "  missing: $missing"
    ask "Install them with $manager?" || fail 6 "the packages are not installed" "$again"
    # shellcheck disable=SC2086 # a list of words
    install_with "$manager" $missing || fail 1 \
      "$manager could not install $missing(its words are above); packages come from: $(package_servers "$manager")" \
      "check the network or the proxy, then $again"
  fi
  [ "$manager" != brew ] || start_machine
  [ "$dry_run" = yes ] || has_podman || fail 1 \
    "Podman '$(podman_version)' is too old: sessions need $podman_wanted or newer, which this system's packages do not have" \
    "install Podman (https://podman.io) from another source, then $again"
  say "  found Podman $(podman_version)"
}

# On macOS containers live in a virtual machine.
start_machine() {
  podman machine inspect >/dev/null 2>&1 || run podman machine init
  [ "$(podman machine inspect --format '{{.State}}' 2>/dev/null)" = running ] || run podman machine start
}

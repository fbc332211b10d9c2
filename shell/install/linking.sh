# shellcheck shell=sh
# How cargo links what is installed.

# Loading libraries takes longer than all else that a short call does, and a shell's hook waits for it: the program is
# linked with the C library in it where that can be had so (`libc.a`: Debian and Arch have it beside the shared one,
# Fedora and SUSE in a package of its own; with musl it is always so). A target has to be named for that: macros, which
# the compiler loads, cannot be linked so.
# Prints what cargo is to be told, a word a line.
linking() {
  host=$(rustc -vV | sed -n 's/^host: //p')
  case $host in *-linux-gnu) ;; *) return 0 ;; esac
  # A compiler that has no such file prints its name alone.
  case $(cc -print-file-name=libc.a 2>/dev/null) in
    */*) printf '%s\n' --target "$host" --config "target.$host.rustflags='-Ctarget-feature=+crt-static'" ;;
  esac
}

# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what install.sh sets, and what it uses
# What goes into the user's shell: one marked place in its startup file, the completions, the manual.

user_shell() {
  shell=${SHELL:-$(getent passwd "$(id -un)" 2>/dev/null | cut -d: -f7)}
  basename -- "${shell:-sh}"
}

config_dir=${XDG_CONFIG_HOME:-$HOME/.config}
data_dir=${XDG_DATA_HOME:-$HOME/.local/share}

nu_dir=$data_dir/agent-session
plugin=$prefix/bin/nu_plugin_agent_session

startup_file() {
  case $1 in
    # Terminals on macOS start login shells, which do not read .bashrc.
    bash) if [ "$(uname)" = Darwin ]; then echo "$HOME/.bash_profile"; else echo "$HOME/.bashrc"; fi ;;
    zsh) echo "${ZDOTDIR:-$HOME}/.zshrc" ;;
    fish) echo "$config_dir/fish/config.fish" ;;
    nu) echo "$config_dir/nushell/config.nu" ;;
  esac
}

completion_file() {
  case $1 in
    bash) echo "$data_dir/bash-completion/completions/agent-session" ;;
    zsh) echo "$data_dir/agent-session/_agent-session" ;;
    fish) echo "$config_dir/fish/completions/agent-session.fish" ;;
  esac
}

completion_source() {
  case $1 in
    bash) echo "$checkout/completions/agent-session.bash" ;;
    zsh) echo "$checkout/completions/_agent-session" ;;
    fish) echo "$checkout/completions/agent-session.fish" ;;
  esac
}

# The lines of the startup file. They do nothing once the program is gone.
startup_lines() {
  bin=$(quoted "$prefix/bin") file=$(quoted "$(completion_file "$1")")
  case $1 in
    bash | zsh)
      echo "case \":\$PATH:\" in *:$bin:*) ;; *) export PATH=$bin:\"\$PATH\" ;; esac"
      if [ "$1" = zsh ]; then
        echo "! (( \$+functions[compdef] )) || source $file"
      else
        # With bash-completion the file is found by its place, when it is wanted.
        echo "[ -n \"\${BASH_COMPLETION_VERSINFO-}\" ] || ! [ -r $file ] || . $file"
      fi
      echo "! command -v agent-session >/dev/null || eval \"\$(agent-session init $1)\""
      ;;
    fish)
      echo "fish_add_path --path $bin"
      echo "command --query agent-session; and agent-session init fish | source"
      ;;
    nu)
      echo "\$env.PATH = (\$env.PATH | prepend r#'$prefix/bin'# | uniq)"
      echo "source r#'$nu_dir/hook.nu'#"
      echo "use r#'$nu_dir/agent-session.nu'# *"
      # The same commands by way of JSON, where the plugin could not be had.
      recorded plugin "$plugin" || echo "use agent-session-data *"
      ;;
  esac
}

install_manual() {
  for page in "$checkout"/docs/man/*.1; do
    put_file "$page" "$prefix/share/man/man1/$(basename -- "$page")"
  done
}

install_completions() {
  if [ "$1" = nu ]; then
    for file in "$checkout"/shell/*.nu; do
      put_file "$file" "$nu_dir/$(basename -- "$file")"
    done
  else
    put_file "$(completion_source "$1")" "$(completion_file "$1")"
  fi
}

# Nushell is often started by a terminal, and is nobody's login shell.
install_startup() {
  shells=$(user_shell)
  [ "$shells" = nu ] || ! command -v nu >/dev/null || shells="$shells nu"
  step "Preparing your shell ($shells): completions, manual, startup file"
  install_manual
  for shell in $shells; do
    case $shell in
      bash | zsh | fish | nu)
        install_completions "$shell"
        put_block "$(startup_file "$shell")" "$(startup_lines "$shell")"
        ;;
      *) say "  there are no completions for $shell; put $prefix/bin on its PATH" ;;
    esac
  done
}

# shellcheck shell=bash
# Sourced by `agent` before OpenCode, which reads its saved logins only where OPENCODE_AUTH_CONTENT is not set. Those
# made inside the session count too, and first.
_prepare_opencode() {
  local file=$HOME/.local/share/opencode/auth.json merged
  [[ ${OPENCODE_AUTH_CONTENT-} && -s $file ]] || return 0
  merged=$(jq -c '(env.OPENCODE_AUTH_CONTENT | fromjson) + .' "$file") && export OPENCODE_AUTH_CONTENT=$merged
}
_prepare_opencode

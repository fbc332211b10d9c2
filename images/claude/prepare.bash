# shellcheck shell=bash
# Sourced by `agent` before Claude Code. With a credential in the environment there is nothing to ask at the first
# start: neither how to log in, nor whether that key may be used. The folder's trust stays the user's to give.
_prepare_claude() {
  local file=$HOME/.claude.json new
  [[ ${ANTHROPIC_API_KEY-}${ANTHROPIC_AUTH_TOKEN-}${CLAUDE_CODE_OAUTH_TOKEN-} ]] || return 0
  [[ -s $file ]] || printf '{}\n' >"$file"
  new=$(mktemp "$file.XXXXXX") || return 0
  if jq '
    .hasCompletedOnboarding = true
    | if (env.ANTHROPIC_API_KEY // "") == "" then . else
        .customApiKeyResponses.approved = ((.customApiKeyResponses.approved // []) + [env.ANTHROPIC_API_KEY[-20:]] | unique)
      end' "$file" >"$new"; then
    mv "$new" "$file"
  else
    printf 'agent: %s is not JSON; left as it is\n' "$file" >&2
    rm -f "$new"
  fi
}
_prepare_claude

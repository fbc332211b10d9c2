# The hook of agent-session for Nushell: `agent-session init nu` prints it.
#
# At the prompt that follows entering a project, and at no other moment, `agent-session enter` is run. Nushell runs
# env_change.PWD at the prompt, not at `cd`, where the directory is another one than at the last prompt; and never in a
# script. So pre_prompt, which costs at each prompt, is not needed.
# To find out, nothing is started and nothing is opened: the parents are asked for a name.
#
#   AGENT_SESSION_HOOK=0      do nothing
#   AGENT_SESSION_HOOK=eager  act in a new shell's first directory too

$env.config.hooks.env_change.PWD = (
    $env.config.hooks.env_change.PWD?
    | default []
    | where not ((($it | describe) starts-with record) and ($it.agent_session? | default false))
    | append {
        agent_session: true
        code: {|before, after|
            mut root = $after
            while $root not-in ["/" ""] and not ($"($root)/.agent-session.toml" | path exists) {
                $root = $root | path dirname
            }
            if $root == "/" { $root = "" }

            # A record: Nushell hands only text on to programs. Recorded first: whatever goes wrong afterwards does not
            # come again at the next prompt.
            let last = $env.__agent_session? | default {root: "", seen: []}
            $env.__agent_session = $last | update root $root
            let is_entered = $root not-in ["" $last.root]
            let is_wanted = ($before | is-not-empty) or $env.AGENT_SESSION_HOOK? == "eager"
            let is_silent = {||
                (
                    $env.AGENT_SESSION_HOOK? == "0"
                    or ($env.TERM? | default "") in ["dumb" ""]
                    or not ((is-terminal --stdin) and (is-terminal --stdout))
                    or $env.TERM_PROGRAM? == "vscode"
                    or $env.TERMINAL_EMULATOR? == "JetBrains-JediTerm"
                    or (
                        [
                            $env.AGENT_SESSION?
                            $env.ZELLIJ?
                            $env.INSIDE_EMACS?
                            $env.VIM?
                            $env.NVIM?
                            $env.ZED_TERM?
                            $env.CI?
                            $env.INTELLIJ_ENVIRONMENT_READER?
                            $env.VSCODE_RESOLVING_ENVIRONMENT?
                        ]
                        | any {|| is-not-empty }
                    )
                )
            }
            if $is_entered and $is_wanted and not (do $is_silent) {
                # With --again this shell has been in the project before, and has had its hint.
                let again = if $root in $last.seen { ["--again"] } else { [] }
                $env.__agent_session.seen = $last.seen | append $root | uniq
                let code = $env.LAST_EXIT_CODE?
                # A hook that fails would be run again at each prompt.
                try { ^agent-session enter ...$again -- $root } catch { null }
                $env.LAST_EXIT_CODE = $code
            }
            # A program that is the last thing in a hook is not waited for.
            null
        }
    }
)

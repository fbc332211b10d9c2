# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_agent_session_global_optspecs
    string join \n format= json h/help V/version
end

function __fish_agent_session_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_agent_session_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_agent_session_using_subcommand
    set -l cmd (__fish_agent_session_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c agent-session -n "__fish_agent_session_needs_command" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_needs_command" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_needs_command" -s V -l version -d 'Print version'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "start" -d 'Create a session, or reattach to it'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "stop" -d 'Stop sessions; they can be started again'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "restart" -d 'Start a stopped session and reattach, going on with the agent\'s conversation'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "ls" -d 'List all sessions'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "list" -d 'List all sessions'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "rm" -d 'Remove stopped sessions: container, home volume and secrets'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "build" -d 'Build or rebuild agents\' images'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "agents" -d 'List the agents and whether each is ready'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "inspect" -d 'Show everything about one session'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "doctor" -d 'Find what stands in the way of sessions, and mend it'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "schema" -d 'Print the JSON Schema of a command\'s result'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "allow" -d 'Let a project\'s .agent-session.toml have its say'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "deny" -d 'Ignore the project files of a directory and all below it'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "status" -d 'Show the session of this directory\'s project and its state'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "config" -d 'Show what settings hold here, and who said so'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "project" -d 'Write a project\'s .agent-session.toml'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "enter" -d 'Do what a project asks for when a shell enters it'
complete -c agent-session -n "__fish_agent_session_needs_command" -f -a "init" -d 'Print a shell\'s hook, which brings you into a project\'s session as you go there'
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s a -l agent -d 'Agent to run [default: the session\'s, or a menu, or claude]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s n -l name -d 'Name of the session [default: the project\'s, or default]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -l mount -d 'Mount another path of the host\'s; may be repeated' -r -F
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s e -l env -d 'Set a variable inside, or pass on the host\'s; may be repeated' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s d -l detach -d 'Do not attach'
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s y -l yes -d 'Build a missing image without asking'
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand stop" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand stop" -l all -d 'Stop every session'
complete -c agent-session -n "__fish_agent_session_using_subcommand stop" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand restart" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand restart" -s d -l detach -d 'Do not attach'
complete -c agent-session -n "__fish_agent_session_using_subcommand restart" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand ls" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand ls" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand list" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand list" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand rm" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand rm" -s f -l force -d 'Do not ask'
complete -c agent-session -n "__fish_agent_session_using_subcommand rm" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l base -d 'Stand on this image in place of Debian\'s' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l zellij -d 'Install this Zellij program in place of the pinned release' -r -F
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l ca-certs -d 'Trust the CA certificates in this file (PEM or DER) besides the host\'s own additions; \'none\' trusts neither' -r -F
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l all -d 'Build every agent\'s image'
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l no-cache -d 'Do every step again'
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand agents" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand agents" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand agents" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand inspect" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand inspect" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand doctor" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand doctor" -l fix -d 'Run the commands that mend what was found'
complete -c agent-session -n "__fish_agent_session_using_subcommand doctor" -s y -l yes -d 'Mend everything without asking'
complete -c agent-session -n "__fish_agent_session_using_subcommand doctor" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand schema" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand schema" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand allow" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand allow" -l dry-run -d 'Only show what would be allowed'
complete -c agent-session -n "__fish_agent_session_using_subcommand allow" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand allow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand deny" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand deny" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand deny" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand status" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand status" -l prompt -d 'Print a few words for a prompt, from files alone'
complete -c agent-session -n "__fish_agent_session_using_subcommand status" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and not __fish_seen_subcommand_from show check" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and not __fish_seen_subcommand_from show check" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and not __fish_seen_subcommand_from show check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and not __fish_seen_subcommand_from show check" -f -a "show" -d 'Show what holds for a session that is started here, and who said so'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and not __fish_seen_subcommand_from show check" -f -a "check" -d 'The same, once the agent, the mounts and the variables were found to be sound'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s a -l agent -d 'Agent to run [default: the session\'s, or a menu, or claude]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s n -l name -d 'Name of the session [default: the project\'s, or default]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -l mount -d 'Mount another path of the host\'s; may be repeated' -r -F
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s e -l env -d 'Set a variable inside, or pass on the host\'s; may be repeated' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s d -l detach -d 'Do not attach'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s y -l yes -d 'Build a missing image without asking'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s a -l agent -d 'Agent to run [default: the session\'s, or a menu, or claude]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s n -l name -d 'Name of the session [default: the project\'s, or default]' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -l mount -d 'Mount another path of the host\'s; may be repeated' -r -F
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s e -l env -d 'Set a variable inside, or pass on the host\'s; may be repeated' -r
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s d -l detach -d 'Do not attach'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s y -l yes -d 'Build a missing image without asking'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and not __fish_seen_subcommand_from init" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and not __fish_seen_subcommand_from init" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and not __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and not __fish_seen_subcommand_from init" -f -a "init" -d 'Write a commented .agent-session.toml; one that is there stays as it is'
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and __fish_seen_subcommand_from init" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and __fish_seen_subcommand_from init" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand project; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand enter" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand enter" -l again -d 'Say nothing of a project that is not allowed: this shell has said it before'
complete -c agent-session -n "__fish_agent_session_using_subcommand enter" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand enter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c agent-session -n "__fish_agent_session_using_subcommand init" -l format -d 'Form of the result' -r -f -a "table\t'For people'
json\t'For programs: indented on a terminal, one line in a pipe'"
complete -c agent-session -n "__fish_agent_session_using_subcommand init" -l json -d 'Print JSON: the same as --format json'
complete -c agent-session -n "__fish_agent_session_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'

# agent-session for Nushell: what takes the terminal, with completions. The commands that give data are the plugin's.
#
#   plugin add ~/.cargo/bin/nu_plugin_agent_session
#   use agent-session.nu *
#
# Without the plugin, the same commands with the same types, by way of JSON:
#
#   use agent-session.nu *
#   use agent-session-data *
#
# No extern is here, and no bare `agent-session`: either would hide commands of the plugin's. Whatever is declared
# nowhere is the program's own: `agent-session --version`.

# Create a session, or reattach to it
#
# With --detach: the session, as a record. Everything else is as in `^agent-session start --help`.
@example "Start an agent on the current directory, or go back to it" { agent-session start }
@example "Start some in the background" { ["api" "web"] | each {|name| agent-session start --detach --name $name $"~/src/($name)" } }
@category agent-session
export def --wrapped "agent-session start" [
    --agent (-a): string@"nu-complete agent-session agents" # Agent to run [default: the session's, or a menu, or claude]
    --name (-n): string@"nu-complete agent-session names" # Name of the session [default: the project's, or default]
    --detach (-d) # Do not attach
    --yes (-y) # Build a missing image without asking
    ...args: string # Directories of the host to work on; --mount and --env, which may be repeated; -- and the agent's arguments
]: any -> any {
    # What a closure is given is not for the program.
    let _ = $in
    let args = [
        ...(if $agent != null { [--agent $agent] } else { [] })
        ...(if $name != null { [--name $name] } else { [] })
        ...(if $detach { [--detach] } else { [] })
        ...(if $yes { [--yes] } else { [] })
        ...$args
    ]
    # A flag's value loses the place that it was written at when it becomes a part of a list.
    let places = [[value span]; [$agent (metadata $agent).span] [$name (metadata $name).span]]
    if (is-detached $args) { json start $args --places $places } else { ^agent-session start ...(with-home $args) }
}

# Start a stopped session and reattach, going on with the agent's conversation
#
# With --detach, or for a list of names that is piped in: the session, as a record. Everything else is as in
# `^agent-session restart --help`.
@example "Go on with a session" { agent-session restart frontend }
@example "Go on with all that are stopped, in the background" { agent-session ls | where status == stopped | agent-session restart }
@category agent-session
export def --wrapped "agent-session restart" [
    --detach (-d) # Do not attach
    ...args: string@"nu-complete agent-session names" # Name of the session [default: the project's, or default]
]: any -> any {
    let piped = $in
    let args = if $detach { [--detach ...$args] } else { $args }
    # Arguments win: what is piped in is then what a closure was given.
    let names = if ($args | all {|arg| $arg starts-with "-" }) { names $piped } else { [] }
    if (is-list $piped) and ($args | all {|arg| $arg starts-with "-" }) {
        $names | each {|name| json restart [--detach $name] }
    } else if (is-detached $args) {
        json restart [...$args ...$names]
    } else {
        ^agent-session restart ...$args ...$names
    }
}

# What the plugin gives, without it: `use agent-session-data *`.
export module agent-session-data {
    # List all sessions
    @category agent-session
    export def --wrapped "agent-session ls" [...args: string]: any -> any { json ls $args }

    # List all sessions
    @category agent-session
    export def --wrapped "agent-session list" [...args: string]: any -> any { json ls $args }

    # Stop sessions; they can be started again
    @category agent-session
    export def --wrapped "agent-session stop" [...args: string@"nu-complete agent-session names"]: any -> any {
        let piped = $in
        json-of-names stop $piped $args
    }

    # Remove stopped sessions: container, home volume and secrets
    @category agent-session
    export def --wrapped "agent-session rm" [...args: string@"nu-complete agent-session names"]: any -> any {
        let piped = $in
        json-of-names rm $piped $args
    }

    # Show everything about one session
    @category agent-session
    export def --wrapped "agent-session inspect" [...args: string@"nu-complete agent-session names"]: any -> any {
        let piped = $in
        if (is-list $piped) and ($args | is-empty) {
            names $piped | each {|name| json inspect [$name] }
        } else {
            json-of-names inspect $piped $args
        }
    }

    # Build or rebuild agents' images
    @category agent-session
    export def --wrapped "agent-session build" [...args: string@"nu-complete agent-session agents"]: any -> any { json build $args }

    # List the agents and whether each is ready
    @category agent-session
    export def --wrapped "agent-session agents" [...args: string]: any -> any { json agents $args }

    # Print the JSON Schema of a command's result
    @category agent-session
    export def --wrapped "agent-session schema" [...args: string@"nu-complete agent-session schemas"]: any -> any {
        run-json schema $args
    }

    # Find what stands in the way of sessions, and mend it
    @category agent-session
    export def --wrapped "agent-session doctor" [...args: string]: any -> any { json doctor $args }

    # Let a project's .agent-session.toml have its say
    @category agent-session
    export def --wrapped "agent-session allow" [...args: string]: any -> any { json allow $args }

    # Ignore the project files of a directory and all below it
    @category agent-session
    export def --wrapped "agent-session deny" [...args: string]: any -> any { json deny $args }

    # Show the session of this directory's project and its state
    @category agent-session
    export def --wrapped "agent-session status" [...args: string]: any -> any { json status $args }

    # Show what holds for a session that is started here, and who said so
    @category agent-session
    export def --wrapped "agent-session config show" [...args: string]: any -> any { json config [show ...$args] }

    # The same, once the agent, the mounts and the variables were found to be sound
    @category agent-session
    export def --wrapped "agent-session config check" [...args: string]: any -> any { json config [check ...$args] }

    # Print the hook that a shell reads at its start
    @category agent-session
    export def --wrapped "agent-session init" [...args: string]: any -> any { json init $args }

    # Write a commented .agent-session.toml; one that is there stays as it is
    @category agent-session
    export def --wrapped "agent-session project init" [...args: string]: any -> any { json project [init ...$args] }
}

# ---------------------------------------------------------------- results

def is-list [value: any]: nothing -> bool { ($value | describe --detailed).type in [list table] }

# Whether the session is to be returned, not attached: only what comes before `--` is the program's.
def is-detached [args: list<string>]: nothing -> bool {
    $args | take until {|arg| $arg == "--" } | any {|arg| $arg == "--detach" or $arg =~ '^-y*d[dy]*$' }
}

# Nushell leaves a `~` in a string that is put together.
def with-home [args: list<string>]: nothing -> list<string> {
    let own = $args | take until {|arg| $arg == "--" }
    let home = $nu.home-dir
    $own | each {|arg| if $arg =~ '^~(/|$)' { $arg | str replace "~" $home } else { $arg } } | append ($args | skip ($own | length))
}

# The names in what was piped in: texts, records with a column `name`, lists of both.
def names [piped: any]: nothing -> list<string> {
    let all = [$piped] | flatten | compact
    # As they are, they keep the place that they were written at.
    if ($all | all {|one| ($one | describe) == string }) { return $all }
    $all | each {|one| if ($one | describe) starts-with record { $one.name } else { $one | into string } }
}

def json-of-names [command: string, piped: any, args: list<string>]: nothing -> any {
    # Arguments win: what is piped in is then what a closure was given.
    if ($args | any {|arg| not ($arg starts-with "-") }) { return (json $command $args) }
    let names = names $piped
    if (is-list $piped) and ($names | is-empty) { return [] }
    let result = json $command [...$args ...$names]
    if (is-list $piped) and not (is-list $result) { [$result] } else { $result }
}

def json [command: string, args: list<string>, --places: table = []]: nothing -> any {
    run-json $command $args --places $places | typed
}

# Runs the program. Its failure is an error with its code and its hint, at the argument that it is about.
def run-json [command: string, args: list<string>, --places: table = []]: nothing -> any {
    let done = ^agent-session --json $command ...(with-home $args) | complete
    # A doctor that finds faults fails with its report.
    if ($done.stdout | is-not-empty) {
        $done.stderr | lines | each {|note| print --stderr $note }
        return ($done.stdout | from json)
    }
    let error = $done.stderr | lines | last | from json | get error
    # Values keep the place that they were written at.
    let labels = $args | each {|arg|
        let end = "/" + ($arg | str replace --regex '^~?/' "")
        let is_it = $error.message has $"'($arg)'" or ($error.message ends-with $end)
        let span = $places | where value == $arg | get span | append (metadata $arg).span | first
        if $is_it { [{text: "from here", span: $span}] } else { [] }
    }
    let labels = $labels | flatten | first 1
    # Where no argument is at fault it would point at itself.
    let nowhere = $labels | is-empty
    error make --unspanned=$nowhere {
        msg: $error.message
        code: $error.code
        help: $error.hint
        labels: $labels
        inner: ($error.causes | each {|cause| {msg: $cause} })
    }
}

# Times, and by the ends of their names durations and sizes, which then go without it. What is under `labels` and
# `versions` has names that are not the program's.
def typed []: any -> any {
    let value = $in
    match ($value | describe --detailed).type {
        "list" | "table" => ($value | each {|item| $item | typed })
        "record" => ($value | columns | reduce --fold {} {|name, all|
            let inner = $value | get $name
            let number = ($inner | describe) in [int nothing]
            if $number and $name ends-with "_ns" {
                $all | insert ($name | str replace --regex '_ns$' "") ($inner | if $in == null { null } else { into duration })
            } else if $number and $name ends-with "_bytes" {
                $all | insert ($name | str replace --regex '_bytes$' "") ($inner | if $in == null { null } else { into filesize })
            } else if $name in [labels versions] {
                $all | insert $name $inner
            } else {
                $all | insert $name ($inner | typed)
            }
        })
        "string" if $value =~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$' => ($value | into datetime)
        _ => $value
    }
}

# ------------------------------------------------------------ completions

def "nu-complete agent-session names" []: nothing -> any {
    let done = ^agent-session --json ls | complete
    if $done.exit_code != 0 { return [] }
    $done.stdout | from json | each {|one| {value: $one.name, description: $"($one.status), ($one.agent), ($one.project)"} }
}

def "nu-complete agent-session agents" []: nothing -> any {
    let done = ^agent-session --json agents | complete
    if $done.exit_code != 0 { return [] }
    $done.stdout | from json | each {|one| {value: $one.name, description: ($one.description | default "")} }
}

def "nu-complete agent-session schemas" []: nothing -> any {
    ^agent-session --json schema | from json | transpose value schema | each {|one| {value: $one.value, description: $one.schema.description} }
}

# Times a hook in Nushell: see ../bench-hooks.sh, which puts the hook in front.

def code [hook] {
    if ($hook | describe) starts-with record { $hook.code } else { $hook }
}

def measure [name: string, call: closure] {
    0..<($env.COUNT | into int)
    | each {|i| $"($name) (timeit { do $call ($i mod 2) } | into int)" }
    | to text
    | save --append $env.OUT
}

let on_change = $env.config.hooks.env_change.PWD? | default [] | each {|hook| code $hook }
let on_prompt = $env.config.hooks.pre_prompt? | default [] | each {|hook| code $hook }
let from = $env.PWD
cd $"($env.PLAIN)/0"

measure fork {|i| ^/bin/true }
measure plain {|i|
    cd $"($env.PLAIN)/($i)"
    for hook in $on_change { do --env $hook $from $env.PWD }
    for hook in $on_prompt { do --env $hook }
}
measure same {|i| for hook in $on_prompt { do --env $hook } }
measure enter {|i|
    cd $"($env.PROJECT)/($i)"
    for hook in $on_change { do --env $hook $from $env.PWD }
    for hook in $on_prompt { do --env $hook }
}

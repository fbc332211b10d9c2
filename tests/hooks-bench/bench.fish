# Times a hook in fish: see ../bench-hooks.sh.

source $HOOK

function fork
    /bin/true
end
function plain
    cd $PLAIN/$argv[1]
    emit fish_prompt
end
function enter
    cd $PROJECT/$argv[1]
    emit fish_prompt
end
function same
    emit fish_prompt
end

# measure NAME ROUNDS COUNT: nanoseconds of one of COUNT pairs of calls, for want of a clock that is no process.
function measure
    for round in (seq $argv[2])
        set -l numbers (seq $argv[3])
        set -l start (date +%s%N)
        for number in $numbers
            $argv[1] 0
            $argv[1] 1
        end
        set -l end (date +%s%N)
        echo $argv[1] (math --scale=0 "($end - $start) / $argv[3] / 2") >>$OUT
    end
end

plain 0
# What fish itself has installed at the first prompt is no part of a hook.
functions --erase __fish_enable_bracketed_paste
set -l rounds (math --scale=0 $COUNT / 20)
measure fork $rounds 10
measure plain $rounds 10
measure same $rounds (test $NAME = direnv -o $NAME = mise; and echo 10; or echo 500)
measure enter $rounds 10

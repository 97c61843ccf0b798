#!/bin/sh
# The main job: lines of real files go through a queue to four workers; one of them is killed in
# the middle, its messages are recovered, and in the end every line has been worked on once.
#
#   demo/run.sh path/to/broker
set -eu

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 path/to/broker" >&2
    exit 1
fi
broker=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
demo=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$demo")
lines_per_file=60
work=$(mktemp -d "${TMPDIR:-/tmp}/broker-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work"
for name in $(env | sed -n 's/^\(BROKER_[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done
LC_ALL=C
export LC_ALL

step() { printf '\n== %s\n' "$*"; }
show() { printf '   $ broker %s\n' "$*"; "$broker" "$@" | sed 's/^/   /'; }

step "Putting lines of real files into the queue 'lines', one 'broker write' each"
for file in core/include/simplebroker.h README.md docs/decisions.md demo/run.sh; do
    [ -r "$root/$file" ] || continue
    head -n "$lines_per_file" "$root/$file" >>input
    echo "   $file"
done
while IFS= read -r line || [ -n "$line" ]; do
    printf '%s' "$line" | "$broker" write lines
done <input
lines=$(wc -l <input)
words=$(wc -w <input)
echo "   $((lines)) lines with $((words)) words"
show stats lines

step "Four workers take them; number 3 is going to be killed with kill -9 in the middle"
for n in 1 2 3 4; do
    crash_after=0
    [ "$n" -ne 3 ] || crash_after=17
    sh "$demo/worker.sh" "$broker" "$n" "$crash_after" &
    eval "worker$n=$!"
done
for n in 1 2 3 4; do
    eval "pid=\$worker$n"
    code=0
    wait "$pid" 2>/dev/null || code=$?
    if [ "$code" -eq 137 ]; then
        echo "   worker $n was killed after $(wc -l <words.$n) lines"
    elif [ "$code" -ne 0 ]; then
        echo "   worker $n failed with exit code $code" >&2
        exit 1
    else
        echo "   worker $n finished $(wc -l <words.$n) lines"
    fi
done

step "What the dead worker had in hand is still there, in its own queue"
show list --stats
lost=$("$broker" stats inflight.3 --json | sed 's/.*"pending": \([0-9]*\).*/\1/')

step "Recovering: back into 'lines' with everything, and a fresh worker finishes"
printf '   $ broker move inflight.3 lines --all\n'
"$broker" move inflight.3 lines --all >recovered
sh "$demo/worker.sh" "$broker" 5
echo "   worker 5 finished $(wc -l <words.5) lines"

step "Do the counts add up?"
done_lines=$(cat words.* | wc -l)
done_words=$(cat words.* | awk '{ sum += $1 } END { print sum + 0 }')
left=$("$broker" list | wc -l)
echo "   lines: $((lines)) put in, $((done_lines)) worked on, $((lost)) of them recovered"
echo "   words: $((words)) put in, $((done_words)) counted"
if [ "$lines" -ne "$done_lines" ] || [ "$words" -ne "$done_words" ] || [ "$left" -ne 0 ] ||
    [ "$lost" -eq 0 ]; then
    echo "   NO: something was lost or done twice" >&2
    show list --stats
    exit 1
fi
echo "   yes: nothing lost, nothing done twice"

cat <<END

== How to go on
   Put the command on your PATH, or call it where it is, and try in an empty directory:

     $broker write tasks 'hello'           # the database .broker.db appears here
     ls -la | $broker write tasks          # a message from standard input
     $broker peek tasks --all -t           # look, with ids, without taking
     $broker read tasks                    # take the oldest; exit code 2 when empty
     $broker move tasks mine --json        # reserve one, as the workers did
     $broker dump > backup.ndjson          # everything as lines of JSON
     $broker --help                        # the other commands

   The workers' whole program: ${demo#"$root"/}/worker.sh
END

#!/bin/sh
# One worker: counts the words of lines, with the move-to-inflight pattern.
#
#   worker.sh BROKER NAME [CRASH_AFTER]
#
# A message is moved to a queue of the worker's own, worked on there, and deleted by its id when the
# work is done. Whatever happens in between, it is in exactly one of the two queues. CRASH_AFTER
# makes the worker kill itself in the middle of its work after so many lines.
set -uf
broker=$1 name=$2 crash_after=${3:-0}
inflight=inflight.$name
tab=$(printf '\t')
finished=0

while :; do
    taken=0
    while [ "$taken" -lt 5 ] && "$broker" move lines "$inflight" >moved."$name"; do
        taken=$((taken + 1))
    done
    [ "$taken" -gt 0 ] || break

    while record=$("$broker" peek -t "$inflight"); do
        id=${record%%"$tab"*}
        line=${record#*"$tab"}
        if [ "$finished" -eq "$crash_after" ] && [ "$crash_after" -gt 0 ]; then
            kill -9 $$
        fi
        # shellcheck disable=SC2086 # splitting into words is the work
        set -- $line
        echo $# >>words."$name"
        "$broker" delete "$inflight" -m "$id"
        finished=$((finished + 1))
    done
done

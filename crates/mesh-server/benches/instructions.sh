#!/usr/bin/env bash
# Counts the instructions of the hot paths with valgrind, which are the same on a busy machine and on an
# idle one, and compares them with those in instructions.txt: more than a tenth more is an error.
#
#   instructions.sh            compares
#   instructions.sh --update   writes the counts of today, to be committed with the reason for them
set -euo pipefail
cd "$(dirname "$0")"
baseline=instructions.txt
declare -A times=([report]=200 [batch]=20 [poll]=100)

command -v valgrind > /dev/null || {
    echo "valgrind is missing: installing it" >&2
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    { $sudo apt-get update && $sudo apt-get install --yes valgrind; } > /dev/null ||
        { echo "valgrind could not be installed: install it as your system does, then try again" >&2; exit 1; }
}

echo "building the benchmark" >&2
program=$("${CARGO:-cargo}" bench --locked --package mesh-server --bench hot_paths --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*hot_paths[^"]*\)".*/\1/p' | tail -1)

# Instructions of a scenario that runs so often, its setting up included. The least of five runs: hash maps
# are seeded anew in each, and where things come to lie decides what growing them costs.
count() {
    for _ in 1 2 3 4 5; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
            sed -n 's/.*Collected : //p'
    done | sort -n | head -1
}

counts=$(for scenario in report batch poll; do
    few=5
    many=$((few + times[$scenario]))
    echo "$scenario $((($(count $scenario $many) - $(count $scenario $few)) / times[$scenario]))"
done)

if [ "${1:-}" = --update ]; then
    echo "$counts" | tee $baseline
    exit
fi
echo "$counts" | awk '
    NR == FNR { before[$1] = $2; next }
    {
        growth = 100 * ($2 / before[$1] - 1)
        printf "%-8s %10d instructions, %+.1f %%\n", $1, $2, growth
        if (growth > 10) grown = grown " " $1
    }
    END {
        if (grown) {
            print "More than 10 % above benches/instructions.txt:" grown
            print "If it is worth it, say why in the commit and write the new counts: instructions.sh --update"
            exit 1
        }
    }' $baseline -

#!/usr/bin/env bash
# Counts the instructions of the hot paths with valgrind, which are the same on a busy machine and on an
# idle one, and compares them with those in instructions.txt: more than a tenth more is an error.
#
#   instructions.sh            compares
#   instructions.sh --update   writes the counts of today, to be committed with the reason for them
#
# report, batch and poll are those of mesh serve. function-... are one event of a function of the cloud. Those are
# not optimised, so that they use what the tests have built: optimising the SDK takes minutes, and growth shows too.
set -euo pipefail
cd "$(dirname "$0")"
baseline=instructions.txt
declare -A times=([report]=200 [batch]=20 [poll]=100 [function-report]=8 [function-fire]=8 [function-poll]=8)
scenarios="report batch poll function-report function-fire function-poll"

command -v valgrind > /dev/null || {
    echo "valgrind is missing: installing it" >&2
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    { $sudo apt-get update && $sudo apt-get install --yes valgrind; } > /dev/null ||
        { echo "valgrind could not be installed: install it as your system does, then try again" >&2; exit 1; }
}

# Builds a benchmark; prints its program.
build() {
    "${CARGO:-cargo}" bench --locked --bench "$1" --no-run --message-format json "${@:2}" |
        sed -n "s/.*\"executable\":\"\([^\"]*$1[^\"]*\)\".*/\1/p" | tail -1
}

echo "building the benchmarks" >&2
server=$(build hot_paths --package mesh-server)
functions=$(build events --workspace --profile dev)

# Instructions of a scenario that runs so often, its setting up included. The least of a few runs: hash maps
# are seeded anew in each, and where things come to lie decides what growing them costs.
count() {
    case $1 in
    function-*) program=$functions runs="1" ;;
    *) program=$server runs="1 2 3 4 5" ;;
    esac
    for _ in $runs; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "${1#function-}" "$2" 2>&1 |
            sed -n 's/.*Collected : //p'
    done | sort -n | head -1
}

# All at the same time, which changes no count.
counts=$(for scenario in $scenarios; do
    few=5
    many=$((few + times[$scenario]))
    echo "$scenario $((($(count "$scenario" $many) - $(count "$scenario" $few)) / times[$scenario]))" &
done | sort)

if [ "${1:-}" = --update ]; then
    echo "$counts" | tee $baseline
    exit
fi
echo "$counts" | awk '
    NR == FNR { before[$1] = $2; next }
    {
        growth = 100 * ($2 / before[$1] - 1)
        printf "%-16s %10d instructions, %+.1f %%\n", $1, $2, growth
        if (growth > 10) grown = grown " " $1
    }
    END {
        if (grown) {
            print "More than 10 % above benches/instructions.txt:" grown
            print "If it is worth it, say why in the commit and write the new counts: instructions.sh --update"
            exit 1
        }
    }' $baseline -

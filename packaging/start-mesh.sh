#!/bin/sh
# Starts Mesh for a classroom: for all machines of the network, data beside this file. Close the window to
# stop it. A folder "editor" beside this file is served as well.
cd "$(dirname "$0")" || exit 1

port=4000
# Downloaded programs may not run on a Mac until they lose this mark.
if [ "$(uname)" = Darwin ]; then xattr -d com.apple.quarantine ./mesh 2> /dev/null; fi

# Opens the board once the server answers; the key for it is the teacher's own.
open_board() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health" || continue
    board="http://127.0.0.1:$port/board/#key=$(cat mesh-data/admin-key)"
    if [ "$(uname)" = Darwin ]; then open "$board"; else xdg-open "$board"; fi
    return
  done
}
open_board > /dev/null 2>&1 &

if [ -d editor ]; then set -- --static editor "$@"; fi
./mesh serve --listen "0.0.0.0:$port" "$@"

echo "Mesh has stopped. Press Enter to close this window."
read -r _

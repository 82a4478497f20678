#!/bin/sh
# Starts Mesh for a classroom: for all machines of the network, data beside this file. Close the window to
# stop it. A folder "editor" beside this file is served as well. Options of "mesh serve" may follow.
cd "$(dirname "$0")" || exit 1

if [ ! -f ./mesh ]; then
  echo "mesh がありません。ダウンロードしたファイルの中身をすべて取り出してから、もう一度開いてください。"
  echo "There is no mesh here. Take everything out of the downloaded file, and open this again."
  exit 1
fi
# Downloaded programs may not run on a Mac until they lose this mark.
if [ "$(uname)" = Darwin ]; then xattr -d com.apple.quarantine ./mesh 2> /dev/null; fi

if [ -d editor ]; then set -- --static editor "$@"; fi
export MESH_LISTEN="${MESH_LISTEN:-0.0.0.0:4000}"
./mesh serve --open "$@"

echo "この窓は閉じてかまいません。 You can close this window."
read -r _

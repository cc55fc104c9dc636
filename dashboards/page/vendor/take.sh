#!/bin/sh
# Takes uPlot from its npm package: `dashboards/page/vendor/take.sh`. To take another version, change it here.
set -eu
version=1.6.32
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm pack --silent "uplot@$version" >/dev/null && tar xzf "uplot-$version.tgz")
cp "$folder/package/dist/uPlot.esm.js" uPlot.js
cp "$folder/package/dist/uPlot.min.css" uPlot.css
cp "$folder/package/LICENSE" uPlot.LICENSE

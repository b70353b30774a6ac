#!/bin/sh
# Fetches the Apache Kafka server that the tests run, once: fetch.sh OUT-FOLDER
# Its jars come from Maven's registry, 45 MB. Needs mvn and a Java of version 17 or later.
set -eu
out=$1
[ -e "$out/complete" ] && exit 0
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$out/libs"
touch "$out/complete"

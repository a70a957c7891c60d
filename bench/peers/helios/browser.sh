#!/bin/sh
# The kit's Chromium without the switches under which it draws nothing for this peer.
for argument; do
  shift
  case $argument in
    --enable-begin-frame-control | --single-process) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$BENCH_BROWSER" "$@"

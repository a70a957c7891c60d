#!/bin/sh
# The kit's Chromium without the switches of this peer under which it draws nothing, those in BENCH_WITHOUT.
for argument; do
  shift
  case " $BENCH_WITHOUT " in
    *" $argument "*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$BENCH_BROWSER" "$@"
